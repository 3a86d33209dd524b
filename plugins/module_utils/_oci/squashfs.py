# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a squashfs file system from a tar stream with tar2sqfs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.decompress import enlarge_pipe

# Level 3 of zstd is both small and fast. At its default level tar2sqfs writes no options, which moves all data.
LEVELS = (3, 15)
# The output depends neither on the time nor on the number of jobs.
_COMMAND = ("tar2sqfs", "--quiet", "--force", "--no-skip", "--compressor", "zstd", "--comp-extra")
_BUFFER = 1 << 19
_SMALL = 1 << 15
_NEARLY_FULL = 1 << 20


class SquashfsWriter:
    """A writer of a tar stream. finish() completes the file; leaving the context without it ends the program."""

    def __init__(self, path: Path, lock: int, level: int) -> None:
        # The child inherits the cache's lock, so that no other run removes its file while it still writes.
        self._folder = path.parent
        # In another directory: on a full disk the message would be lost.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed on leaving
        try:
            # AnsibleModule.run_command cannot stream its input, and exists only in a module.
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                [*_COMMAND, f"level={level}", "--num-jobs", str(os.cpu_count() or 1), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                bufsize=0,
                env={**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"},
                pass_fds=(lock,),
                start_new_session=True,
            )
        except FileNotFoundError:
            self._errors.close()
            raise GantryError(
                "The program 'tar2sqfs' is missing, which creates the file system of an image. Install the package "
                "squashfs-tools-ng where this task runs.",
                details={"cause": "program_missing"},
            ) from None
        self._pipe = cast(IO[bytes], self._process.stdin)
        enlarge_pipe(self._pipe)
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def __enter__(self) -> SquashfsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._pipe.close()
        self._errors.close()

    def write(self, data: bytes | memoryview) -> None:
        """Append to the tar stream. Small pieces are collected, large ones passed on without a copy."""
        if len(data) < _SMALL:
            self._pending.append(bytes(data))
            self._pending_bytes += len(data)
            if self._pending_bytes < _BUFFER:
                return
        self._flush()
        if len(data) >= _SMALL:
            self._send(memoryview(data))

    def finish(self) -> None:
        """End the stream, and raise GantryError unless the file is complete."""
        self._flush()
        self._pipe.close()
        if self._process.wait() != 0:
            raise self._error()

    def _flush(self) -> None:
        if self._pending:
            data = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            self._send(memoryview(data))

    def _send(self, data: memoryview) -> None:
        try:
            while data:
                data = data[self._pipe.write(data) :]
        except BrokenPipeError:
            raise self._error() from None

    def _error(self) -> GantryError:
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1] if lines else f"it ended with {self._process.returncode}"
        # tar2sqfs reports a full disk as an I/O error.
        if shutil.disk_usage(self._folder).free < _NEARLY_FULL:
            return GantryError(
                "The image cannot be converted: the disk of the image cache is full. Make room or choose another.",
                details={"cause": "no_space"},
            )
        return GantryError(f"The program tar2sqfs could not create the file system of the image: {reason}.")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""File locks between the runs on one machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report

# vCenter aborts an upload that has stalled for five minutes; after the upload only a few short tasks follow.
ABANDONED_AFTER = timedelta(hours=2)


class HeldLock:
    """A lock that is held until the end of its ``with`` block."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> None:
        """Hold the lock, which was acquired before."""

    def __exit__(self, *exc: object) -> None:
        self._file.close()


class ImportLocks:
    """The locks of this machine's imports into one vCenter, in the image cache."""

    def __init__(self, cache: Path, vcenter: str) -> None:
        self._folder = cache / "imports"
        self._identity = self._folder / "controller"
        self._vcenter = vcenter

    def known_controller(self) -> str | None:
        """Return the name with which this machine marks its imports, or None if it has none yet."""
        try:
            return self._identity.read_text().strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error

    def controller(self) -> str:
        """Return the name with which this machine marks its imports, and create one if there is none."""
        known = self.known_controller()
        if known is not None:
            return known
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._folder / f"controller.{uuid.uuid4().hex}"
            draft.write_text(f"{uuid.uuid4()}\n")
            # The first of several runs wins: a link, unlike a rename, does not replace an existing file.
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._identity)
            draft.unlink()
            return self._identity.read_text().strip()
        except OSError as error:
            raise self._unusable(error) from error

    def held(self, disk: str) -> bool:
        """Return whether a run on this machine is importing this disk."""
        try:
            with self._path(disk).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def acquire(self, disk: str, report: Report) -> HeldLock:
        """Wait for the lock of a disk. One run at a time changes its templates; the others wait and then read again."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self._path(disk).open("wb")
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Another run on this machine is importing this image. Waiting for it to end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        return HeldLock(file)

    def _path(self, disk: str) -> Path:
        # The disk's id comes from a VM's configuration, which other clients can write.
        safe = "".join(character for character in disk if character.isalnum())
        return self._folder / f"{self._vcenter}-{safe}.lock"

    def _unusable(self, error: OSError) -> GantryError:
        return GantryError(
            f"The folder {self._folder} for import locks cannot be used: {error.strerror}. "
            "Give another directory by cache_path."
        )

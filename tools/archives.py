# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write archives whose bytes depend only on their contents."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from devkit.console import ROOT


class Entry(NamedTuple):
    """A file of an archive; a directory if it has no content."""

    name: str
    content: bytes | None
    executable: bool = False


def source_date() -> int:
    """Return the time for all files of a release: SOURCE_DATE_EPOCH, or that of the last commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    command = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def write_tar_gz(path: Path, entries: Iterable[Entry]) -> None:
    """Write the entries in their order, all with the same time and owner."""
    date = source_date()
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=date) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.mtime = date
            info.mode = 0o755 if entry.executable or entry.content is None else 0o644
            if entry.content is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            else:
                info.size = len(entry.content)
                tar.addfile(info, io.BytesIO(entry.content))


def entries_below(folder: Path, prefix: str) -> list[Entry]:
    """Return the files below a folder, sorted, with names that begin with the prefix."""
    return [
        Entry(f"{prefix}/{path.relative_to(folder)}", path.read_bytes(), bool(path.stat().st_mode & 0o100))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]

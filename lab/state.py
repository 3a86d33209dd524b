# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manage the state directory, which holds all files of one lab. Only its owner can read it (0700).

lab.json env           connection data for users of the lab; exist while it is up
vcenter.json ca.pem    the vCenter's configuration and its certificate authority
processes/             a record of each process of the lab
machines/ datastores/  of this run; removed when the lab stops
second/                the second vCenter's certificate authority and datastores; also removed
logs/                  of this run and the previous one; kept
registry/              pushed images; kept
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devkit.console import ROOT
from lab.errors import LabError
from lab.namespace import namespace_name
from lab.processes import ProcessRecord

_FILES_OF_ONE_RUN = ("lab.json", "env", "vcenter.json", "ready.json", "hypervisor.json", "dhcp-*.leases")
_FOLDERS_OF_ONE_RUN = ("machines", "datastores", "processes", "second")


def default_state_dir() -> Path:
    """Return the directory in GANTRY_LAB_STATE, or .lab in the repository."""
    return Path(os.environ.get("GANTRY_LAB_STATE") or ROOT / ".lab")


class State:
    """Read and write the state directory of one lab."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.lab_json = self.directory / "lab.json"
        self.env = self.directory / "env"
        self.processes = self.directory / "processes"
        self.logs = self.directory / "logs"
        self.namespace = namespace_name(self.directory)

    def create(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the lab. Only one start or stop runs at a time; others wait."""
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_locked(self) -> bool:
        """Return whether the lab is being started or stopped."""
        try:
            with (self.directory / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def records(self) -> dict[str, ProcessRecord]:
        """Return the records of all processes by name, whether they run or not."""
        found = {path.stem: ProcessRecord.read(path) for path in sorted(self.processes.glob("*.json"))}
        return {name: record for name, record in found.items() if record is not None}

    def info(self) -> dict[str, Any] | None:
        """Return the content of lab.json, or None if the lab is not up."""
        try:
            content: dict[str, Any] = json.loads(self.lab_json.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        except PermissionError:
            raise LabError(
                f"{self.lab_json} belongs to another user. Use that account, or set another GANTRY_LAB_STATE."
            ) from None
        return content

    def write(self, path: Path, content: str) -> None:
        """Write a file that only its owner can read."""
        temporary = path.with_name(path.name + ".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        temporary.replace(path)

    def hand_over(self, *more: Path) -> None:
        """Change the owner of the files that users need, and of more, to the user who called sudo."""
        second = self.directory / "second"
        paths = (self.directory, self.lab_json, self.env, self.directory / "ca.pem", second, second / "ca.pem", *more)
        _hand_over(path for path in paths if path.exists())

    def hand_over_rest(self) -> None:
        """Change the owner of what a stopped lab leaves, so that the user who called sudo can remove it."""
        _hand_over([self.directory, *self.directory.rglob("*")])

    def wipe(self) -> None:
        """Remove the files of one run. Its processes must have ended."""
        for path in [path for pattern in _FILES_OF_ONE_RUN for path in self.directory.glob(pattern)]:
            path.unlink()
        for folder in (self.directory / name for name in _FOLDERS_OF_ONE_RUN):
            if folder.exists():
                shutil.rmtree(folder)


def _hand_over(paths: Iterable[Path]) -> None:
    user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() != 0 or user is None or group is None:
        return
    for path in paths:
        os.chown(path, int(user), int(group), follow_symlinks=False)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's state directory: where everything of one lab is, and who may read it. It is its owner's alone (0700).

lab.json env           what users of the lab need; there while it is up
vcenter.json ca.pem    the vCenter's configuration and its certificate authority
processes/             a record of each process
machines/ datastores/  of this run; removed when the lab goes down
second/                of the second vCenter: its certificate authority and its datastores; removed, too
logs/                  of this run and the one before; kept
registry/              images that have been pushed; kept
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devkit.console import ROOT
from lab.errors import LabError
from lab.namespace import namespace_name
from lab.processes import ProcessRecord

_FILES_OF_ONE_RUN = ("lab.json", "env", "vcenter.json", "ready.json", "hypervisor.json", "dhcp.leases")
_FOLDERS_OF_ONE_RUN = ("machines", "datastores", "processes", "second")


def default_state_dir() -> Path:
    return Path(os.environ.get("GANTRY_LAB_STATE") or ROOT / ".lab")


class State:
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
        """One up or down at a time; another waits."""
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def is_locked(self) -> bool:
        """Whether an up or down is under way."""
        try:
            with (self.directory / "lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def records(self) -> dict[str, ProcessRecord]:
        """What has been recorded, by name, running or not."""
        found = {path.stem: ProcessRecord.read(path) for path in sorted(self.processes.glob("*.json"))}
        return {name: record for name, record in found.items() if record is not None}

    def info(self) -> dict[str, Any] | None:
        """What lab.json says; None when the lab is not up."""
        try:
            content: dict[str, Any] = json.loads(self.lab_json.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        except PermissionError:
            raise LabError(
                f"{self.lab_json} is another user's: use that account, or another GANTRY_LAB_STATE"
            ) from None
        return content

    def write(self, path: Path, content: str) -> None:
        """Writes a file that only its owner can read; under sudo that is who called it."""
        temporary = path.with_name(path.name + ".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        temporary.replace(path)

    def hand_over(self) -> None:
        """Under sudo: what the caller needs becomes the caller's."""
        user, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
        if os.geteuid() != 0 or user is None or group is None:
            return
        second = self.directory / "second"
        for path in (self.directory, self.lab_json, self.env, self.directory / "ca.pem", second, second / "ca.pem"):
            if path.exists():
                os.chown(path, int(user), int(group))

    def wipe(self) -> None:
        """Removes what belongs to one run. Nothing of it runs any more."""
        for name in _FILES_OF_ONE_RUN:
            (self.directory / name).unlink(missing_ok=True)
        for folder in (self.directory / name for name in _FOLDERS_OF_ONE_RUN):
            if folder.exists():
                shutil.rmtree(folder)

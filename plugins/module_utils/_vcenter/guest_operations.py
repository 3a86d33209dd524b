# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vSphere's guest operations in one VM: start a program, wait for its end, read and write a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_files import Upload
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The managers that are read once, as properties of ServiceInstanceContent.guestOperationsManager.
MANAGER_PROPERTIES = ("fileManager", "processManager")
# Has what vCenter knows of the certificate of an ESXi host, which serves the files of its guests. The property is read
# as a whole, because only API 9.0 and later have both of sslThumbprint and sslCertificate.
HOST_CONFIG = "summary.config"
# Most programs end soon; a program that runs for minutes is not asked for often.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class GuestPrograms:
    """The programs of one VM's guest. Each call has the credentials of a user of the guest."""

    def __init__(self, session: Session, vm: Any, managers: Mapping[str, Any], user: str, password: str) -> None:
        """Take the managers by the names of MANAGER_PROPERTIES."""
        self._session = session
        self._vm = vm
        self._processes, self._files = managers["processManager"], managers["fileManager"]
        self._login = vim.vm.guest.NamePasswordAuthentication(
            username=user, password=password, interactiveSession=False
        )

    def start(self, program: str, arguments: str) -> int:
        """Start a program and return its process id."""
        spec = vim.vm.guest.ProcessManager.ProgramSpec(programPath=program, arguments=arguments)
        return int(self._processes.StartProgramInGuest(vm=self._vm, auth=self._login, spec=spec))

    def ends_within(self, pid: int, seconds: float | None) -> bool:
        """Return whether a program ends in this time, as soon as it is known; None waits without limit."""
        deadline = None if seconds is None else time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while not self._has_ended(pid):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
        return True

    def _has_ended(self, pid: int) -> bool:
        found = self._processes.ListProcessesInGuest(vm=self._vm, auth=self._login, pids=[pid])
        process = next((one for one in found or () if one.pid == pid), None)
        if process is None:
            raise GantryError(
                f"The guest no longer knows the program that it has started as process {pid}. Its VM was probably "
                "restarted in the meantime. Check whether the program must run again."
            )
        return process.endTime is not None

    def terminate(self, pid: int) -> None:
        self._processes.TerminateProcessInGuest(vm=self._vm, auth=self._login, pid=pid)

    def read(self, path: str, max_bytes: int, host_config_of: Callable[[str], Any]) -> bytes:
        """Return the first ``max_bytes`` of a file. ``host_config_of`` returns the HOST_CONFIG of an ESXi host."""
        found = self._files.InitiateFileTransferFromGuest(vm=self._vm, auth=self._login, guestFilePath=path)
        return self._session.download_guest_file(found.url, host_config_of, max_bytes)

    def send(self, path: str, content: Upload, host_config_of: Callable[[str], Any], answer_seconds: float) -> None:
        """Write a file. The guest may take ``answer_seconds`` for the end of it."""
        url = self._files.InitiateFileTransferToGuest(
            vm=self._vm,
            auth=self._login,
            guestFilePath=path,
            fileAttributes=vim.vm.guest.FileManager.PosixFileAttributes(),
            fileSize=content.size,
            overwrite=True,
        )
        self._session.upload_guest_file(url, host_config_of, content, answer_seconds)

    def receive(
        self, path: str, host_config_of: Callable[[str], Any], seconds: float
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Return the content of a file in blocks. The guest may take ``seconds`` until the file can be read."""
        deadline = time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while (url := self._url_to_read(path, is_final=time.monotonic() >= deadline)) is None:
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
        return self._session.received_guest_file(url, host_config_of)

    def _url_to_read(self, path: str, *, is_final: bool) -> str | None:
        """Return the URL of a file; None if it cannot be read yet, which is an error in the final attempt."""
        try:
            found = self._files.InitiateFileTransferFromGuest(vm=self._vm, auth=self._login, guestFilePath=path)
        except FaultError as error:
            if is_final or (error.fault or {}).get("type") != "CannotAccessFile":
                raise
            return None
        return str(found.url)

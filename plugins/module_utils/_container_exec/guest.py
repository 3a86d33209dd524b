# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guest operations of one container: run a program, and send or receive an archive."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import explained
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.decode import decode_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    ExecResult,
    ObservedExec,
    ReachedGuest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import (
    COPY,
    LIST,
    MAX_RESULT_BYTES,
    PACK,
    UNPACK,
    USER,
    archive_path,
    copy_arguments,
    result_path,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_files import Upload
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import GuestPrograms

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_GRACE_SECONDS = 30
# How long a program that is only started is observed, so that it is known whether it could be.
_STARTUP_SECONDS = 0.5
_DROPPED = "The guest has dropped the result, because it has no memory for all of them: run fewer programs at once"


class Guest:
    """The guest of a running container. Errors say what was tried, how far it came, and the remedy."""

    def __init__(self, session: Session, observed: ObservedExec, reached: ReachedGuest) -> None:
        vm = session.ref("VirtualMachine", reached.machine.moid)
        self._observed, self._machine = observed, reached.machine
        self._programs = GuestPrograms(session, vm, observed.managers, USER, reached.secret)
        self.name = reached.machine.name

    def run(self, program: str, arguments: str, timeout: int, what: str) -> ExecResult:
        """Run a program of the guest operations until its end; ``what`` names it in messages."""
        pid = self._start(program, arguments, what)
        return self._result(program, pid, timeout, what)

    def launch(self, program: str, arguments: str, what: str) -> tuple[int, ExecResult | None]:
        """Start a program, and return its number and, if it has ended at once, its result."""
        pid = self._start(program, arguments, what)
        with explained(f"{what} was started in container {self.name}, and its start was not observed"):
            if not self._programs.ends_within(pid, _STARTUP_SECONDS):
                return pid, None
        return pid, self._result(program, pid, 0, what)

    def list_files(self, path: str, timeout: int, **options: bool | str) -> ExecResult:
        """Return the listing of a path. Its digests take time."""
        arguments = copy_arguments(LIST, path, timeout=timeout, **options)
        return self.run(COPY, arguments, timeout, f"The listing of {path}")

    def unpack(self, path: str, archive: Upload, timeout: int) -> ExecResult:
        """Create the files of an archive below a directory."""
        what = f"The copy to {path}"
        pid = self._start(COPY, copy_arguments(UNPACK, path, size=archive.size, timeout=timeout), what)
        try:
            with explained(f"{what} in container {self.name} was interrupted, and no file was replaced"):
                self._programs.send(archive_path(pid), archive, self._host_config, timeout or _GRACE_SECONDS)
        except GantryError as error:
            # The guest knows the reason, if it has one: the transfer has failed because it takes no more.
            reason = self._reason(pid)
            if reason is None:
                raise
            raise GantryError(
                f"{what} in container {self.name} failed, and no file was replaced: {reason.rstrip('.')}.",
                fault=error.fault,
            ) from error
        return self._result(COPY, pid, timeout, what)

    @contextlib.contextmanager
    def pack(self, path: str, timeout: int, *, follow: bool) -> Iterator[Iterator[bytes]]:
        """Yield the archive of a file or directory in blocks."""
        what = f"The copy of {path}"
        pid = self._start(COPY, copy_arguments(PACK, path, follow=follow, timeout=timeout), what)
        try:
            with (
                explained(f"{what} from container {self.name} failed"),
                self._programs.receive(archive_path(pid), self._host_config, timeout or _GRACE_SECONDS) as blocks,
            ):
                yield blocks
        except GantryError as error:
            reason = self._reason(pid)
            if reason is None:
                raise
            raise GantryError(
                f"{what} from container {self.name} failed: {reason.rstrip('.')}.", fault=error.fault
            ) from error

    def _start(self, program: str, arguments: str, what: str) -> int:
        with explained(f"Could not start {_inside(what)} in container {self.name}"):
            return self._programs.start(program, arguments)

    def _result(self, program: str, pid: int, timeout: int, what: str) -> ExecResult:
        with explained(f"{what} was started in container {self.name}, and its end was not observed"):
            self._await_end(pid, timeout)
        failed = f"{what} has ended in container {self.name}, and its result could not be read"
        with explained(failed, FileNotFound=_DROPPED):
            return self._read(program, pid)

    def _read(self, program: str, pid: int) -> ExecResult:
        raw = self._programs.read(result_path(program, pid), MAX_RESULT_BYTES, self._host_config)
        return decode_result(raw, self.name)

    def _reason(self, pid: int) -> str | None:
        """Return why a copy has failed, if the guest reports it. The failure itself is reported in any case."""
        try:
            if self._programs.ends_within(pid, _GRACE_SECONDS):
                return self._read(COPY, pid).problem
            self._programs.terminate(pid)
        except GantryError:
            return None
        return None

    def _host_config(self, address: str) -> Any:
        return self._observed.host_config(address, self._machine)

    def _await_end(self, pid: int, timeout: int) -> None:
        if self._programs.ends_within(pid, timeout + _GRACE_SECONDS if timeout else None):
            return
        # The user needs to know that it did not end, whether or not vCenter can have it killed.
        with contextlib.suppress(GantryError):
            self._programs.terminate(pid)
        raise GantryError(
            f"The guest did not kill it within {_GRACE_SECONDS} s after its timeout of {timeout} s. Look at the load "
            "of the container and of its host."
        )


def _inside(what: str) -> str:
    """Return what is done as it is named inside a sentence."""
    return what[0].lower() + what[1:] if what.startswith("The ") else what

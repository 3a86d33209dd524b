# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program in a container and read its result."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import explained
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.decode import decode_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    DesiredExec,
    ObservedExec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import (
    EXEC,
    MAX_RESULT_BYTES,
    USER,
    result_path,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import GuestPrograms

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The guest kills a program at its timeout. It gets some time more to say so.
_GRACE_SECONDS = 30
_DROPPED = "The guest has dropped the result, because it has no memory for all of them: run fewer programs at once"


def apply_exec(session: Session, desired: DesiredExec, observed: ObservedExec, change: RunProgram) -> ObservedExec:
    """Run the program and return its result."""
    vm = session.ref("VirtualMachine", change.machine.moid)
    programs = GuestPrograms(session, vm, observed.managers, USER, change.secret)
    what, container = desired.program, change.machine.name
    with explained(f"Could not start {what} in container {container}"):
        pid = programs.start(EXEC, desired.arguments)
    with explained(f"{what} was started in container {container}, and its end was not observed"):
        _await_end(programs, pid, desired.timeout)
    failed = f"{what} has ended in container {container}, and its result could not be read"
    with explained(failed, FileNotFound=_DROPPED):
        raw = programs.read(
            result_path(pid), MAX_RESULT_BYTES, lambda address: observed.host_config(address, change.machine)
        )
        return replace(observed, result=decode_result(raw, container))


def _await_end(programs: GuestPrograms, pid: int, timeout: int) -> None:
    if programs.ends_within(pid, timeout + _GRACE_SECONDS if timeout else None):
        return
    # The user needs to know that it did not end, whether or not vCenter can have it killed.
    with contextlib.suppress(GantryError):
        programs.terminate(pid)
    raise GantryError(
        f"The guest did not kill it within {_GRACE_SECONDS} s after its timeout of {timeout} s. Look at the load of "
        "the container and of its host."
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program in a container and read its result."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.decode import decode_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.hints import explain
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    DesiredExec,
    ExecResult,
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


def apply_exec(session: Session, desired: DesiredExec, observed: ObservedExec, change: RunProgram) -> ObservedExec:
    """Run the program and return its result."""
    vm = session.ref("VirtualMachine", change.machine.moid)
    programs = GuestPrograms(session, vm, observed.managers, USER, change.secret)
    try:
        result = _run(programs, desired, observed, change)
    except GantryError as error:
        raise explain(change.machine.name, desired.program, error) from error
    return replace(observed, result=result)


def _run(programs: GuestPrograms, desired: DesiredExec, observed: ObservedExec, change: RunProgram) -> ExecResult:
    pid = programs.start(EXEC, desired.arguments)
    if not programs.ends_within(pid, desired.timeout + _GRACE_SECONDS if desired.timeout else None):
        # The user needs to know that it did not end; whether it could be killed is for vCenter's events.
        with contextlib.suppress(GantryError):
            programs.terminate(pid)
        raise GantryError(
            f"It did not end within {desired.timeout} s (timeout), and the guest did not kill it in {_GRACE_SECONDS} s "
            "more. Look at the load of the container."
        )
    raw = programs.read(
        result_path(pid), MAX_RESULT_BYTES, lambda address: observed.thumbprint(address, change.machine)
    )
    return decode_result(raw, change.machine.name)

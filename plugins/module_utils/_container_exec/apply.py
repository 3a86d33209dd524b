# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program in a container and read its result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    DesiredExec,
    ObservedExec,
    ReachedGuest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import EXEC

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_exec(session: Session, desired: DesiredExec, observed: ObservedExec, change: RunProgram) -> ObservedExec:
    """Run the program and return its result, or start it if it is detached."""
    guest = Guest(session, observed, ReachedGuest(change.machine, change.secret))
    if desired.detach:
        pid, result = guest.launch(EXEC, desired.arguments, desired.program)
        return replace(observed, pid=pid, result=result)
    return replace(observed, result=guest.run(EXEC, desired.arguments, desired.timeout, desired.program))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the run of a program, and refuse it if the container cannot run it. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.changes import RunProgram
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec, ObservedExec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.target import reach
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def plan_exec(desired: DesiredExec, observed: ObservedExec) -> Plan[RunProgram]:
    """Return the run of the program."""
    guest = reach(desired, observed)
    return Plan((RunProgram(guest.machine, desired.program, guest.secret, desired.detach),))

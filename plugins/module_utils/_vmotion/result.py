# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of vm_vmotion. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import blockers_report
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.report import vms_report


def vmotion_result(observed: ObservedMoves) -> dict[str, Any]:
    """Return the VMs with the outcome of their moves, and the blockers."""
    return {"vms": vms_report(observed), "blockers": blockers_report(observed.blockers)}

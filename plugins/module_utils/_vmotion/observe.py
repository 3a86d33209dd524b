# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the VMs of vm_vmotion, for moves within one vCenter or to another."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session, session_with
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_cross import observe_cross_vcenter
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_moves import observe_moves


def observe_vmotion(session: Session, desired: VmotionRequest) -> ObservedMoves:
    """Observe the VMs with their targets and blockers."""
    if desired.destination is None:
        return observe_moves(session, desired)
    with session_with(desired.destination) as other:
        return observe_cross_vcenter(session, other, desired)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module vm_vmotion: which steps it is made of and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session, session_with
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.apply import apply_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.desire import desire_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe import observe_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_cross import observe_cross_vcenter
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.options import vmotion_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.plan import plan_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.result import blockers_result, vms_result


class VmVmotion(Operation[VmotionRequest, ObservedMoves, MoveChange]):
    """VMs in their place."""

    name = "vm_vmotion"
    argument_spec = argument_spec(**vmotion_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> VmotionRequest:
        return desire_vmotion(params)

    def observe(self, session: Session, desired: VmotionRequest) -> ObservedMoves:
        if desired.destination is None:
            return observe_moves(session, desired)
        with session_with(desired.destination) as other:
            return observe_cross_vcenter(session, other, desired)

    def plan(self, desired: VmotionRequest, observed: ObservedMoves) -> Plan[MoveChange]:
        return plan_moves(desired, observed)

    def apply(
        self,
        session: Session,
        desired: VmotionRequest,
        observed: ObservedMoves,
        plan: Plan[MoveChange],
        report: Report,
    ) -> ObservedMoves:
        def observe(vms: Sequence[VmFacts]) -> ObservedMoves:
            selectors = tuple(_selector(vm, desired) for vm in vms)
            return self.observe(session, replace(desired, selectors=selectors))

        try:
            return apply_moves(session, desired, observed, plan, report, observe)
        finally:
            if observed.handles.destination is not None:
                # Opened again where it was needed.
                observed.handles.destination.session.close()

    def result(self, desired: VmotionRequest, observed: ObservedMoves) -> dict[str, Any]:
        return {"vms": vms_result(observed), "blockers": blockers_result(observed.blockers)}


def _selector(vm: VmFacts, desired: VmotionRequest) -> VmSelector:
    """Another vCenter gives a VM another MoID."""
    if desired.destination is not None and vm.instance_uuid is not None:
        return VmSelector("uuid", vm.instance_uuid)
    return VmSelector("moid", vm.moid)

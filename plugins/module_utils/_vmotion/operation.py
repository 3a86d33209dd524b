# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of vm_vmotion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.apply import apply_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.desire import desire_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe import observe_vmotion
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.options import vmotion_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.plan import plan_moves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.result import vmotion_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class VmVmotion(Operation[VmotionRequest, ObservedMoves, MoveChange]):
    """Move VMs to their destination."""

    name = "vm_vmotion"
    argument_spec = argument_spec(**vmotion_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> VmotionRequest:
        return desire_vmotion(params)

    def observe(self, session: Session, desired: VmotionRequest) -> ObservedMoves:
        return observe_vmotion(session, desired)

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
        return apply_vmotion(session, desired, observed, plan, report)

    def result(self, desired: VmotionRequest, observed: ObservedMoves) -> dict[str, Any]:
        return vmotion_result(observed)

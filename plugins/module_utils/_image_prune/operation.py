# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of container_image_prune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.apply import apply_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.changes import PruneImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.desire import desire_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import ObservedPrune, PruneRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.observe import observe_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.options import prune_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.plan import plan_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.result import prune_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerImagePrune(Operation[PruneRequest, ObservedPrune, PruneImage]):
    """Remove the images that nothing uses."""

    name = "container_image_prune"
    argument_spec = argument_spec(**prune_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> PruneRequest:
        return desire_prune(params)

    def observe(self, session: Session, desired: PruneRequest) -> ObservedPrune:
        return observe_prune(session, desired)

    def plan(self, desired: PruneRequest, observed: ObservedPrune) -> Plan[PruneImage]:
        return plan_prune(desired, observed)

    def apply(
        self,
        session: Session,
        desired: PruneRequest,
        observed: ObservedPrune,
        plan: Plan[PruneImage],
        report: Report,
    ) -> ObservedPrune:
        return apply_prune(session, desired, plan, report)

    def result(self, desired: PruneRequest, observed: ObservedPrune) -> dict[str, Any]:
        return prune_result(desired, observed)

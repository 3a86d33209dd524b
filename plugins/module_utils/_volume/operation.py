# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of container_volume and container_volume_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.apply import apply_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import VolumeChange
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.desire import desire_query, desire_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumeQuery,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.observe import observe_query, observe_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.options import (
    NOT_TOGETHER,
    ONE_OF,
    volume_argument_spec,
    volume_info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.plan import plan_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.result import query_result, volumes_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVolume(Operation[DesiredVolumes, ObservedVolumes, VolumeChange]):
    name = "container_volume"
    argument_spec = argument_spec(**volume_argument_spec())
    mutually_exclusive = NOT_TOGETHER
    required_one_of = ONE_OF

    def desire(self, params: Mapping[str, Any]) -> DesiredVolumes:
        return desire_volumes(params)

    def observe(self, session: Session, desired: DesiredVolumes) -> ObservedVolumes:
        return observe_volumes(session, desired)

    def plan(self, desired: DesiredVolumes, observed: ObservedVolumes) -> Plan[VolumeChange]:
        return plan_volumes(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredVolumes,
        observed: ObservedVolumes,
        plan: Plan[VolumeChange],
        report: Report,
    ) -> ObservedVolumes:
        return apply_volumes(session, desired, observed, plan, report)

    def result(self, desired: DesiredVolumes, observed: ObservedVolumes) -> dict[str, Any]:
        return volumes_result(desired, observed)


class ContainerVolumeInfo(InfoOperation[VolumeQuery, list[Volume]]):
    """Read volumes with their users and snapshots."""

    name = "container_volume_info"
    argument_spec = argument_spec(**volume_info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> VolumeQuery:
        return desire_query(params)

    def observe(self, session: Session, desired: VolumeQuery) -> list[Volume]:
        return observe_query(session, desired)

    def result(self, desired: VolumeQuery, observed: list[Volume]) -> dict[str, Any]:
        return query_result(observed)

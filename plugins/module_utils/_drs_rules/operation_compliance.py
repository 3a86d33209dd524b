# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind drs_compliance_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ClusterPlace, RulesSnapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import find_place, read_snapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.result import compliance_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass(frozen=True)
class RulesQuery:
    """The cluster whose rules are checked."""

    cluster: str | None
    datacenter: str | None


class DrsComplianceInfo(InfoOperation[RulesQuery, tuple[ClusterPlace, RulesSnapshot]]):
    name = "drs_compliance_info"
    argument_spec = argument_spec(**place_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> RulesQuery:
        return RulesQuery(params["cluster"], params["datacenter"])

    def observe(self, session: Session, desired: RulesQuery) -> tuple[ClusterPlace, RulesSnapshot]:
        place = find_place(session, desired.cluster, desired.datacenter)
        return place, read_snapshot(session, place.cluster)

    def result(self, desired: RulesQuery, observed: tuple[ClusterPlace, RulesSnapshot]) -> dict[str, Any]:
        return compliance_result(*observed)

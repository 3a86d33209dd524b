# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind drs_compliance_info."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.compliance import find_violations
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.conflicts import find_conflicts
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Place, Snapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import find_place, read_snapshot
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.result import (
    group_result,
    override_result,
    rule_result,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass(frozen=True)
class Question:
    cluster: str | None
    datacenter: str | None


class ComplianceInfoOperation(InfoOperation[Question, tuple[Place, Snapshot]]):
    name = "drs_compliance_info"
    argument_spec = argument_spec(**place_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Question:
        return Question(params["cluster"], params["datacenter"])

    def observe(self, session: Session, desired: Question) -> tuple[Place, Snapshot]:
        place = find_place(session, desired.cluster, desired.datacenter)
        return place, read_snapshot(session, place.cluster)

    def result(self, desired: Question, observed: tuple[Place, Snapshot]) -> dict[str, Any]:
        place, snapshot = observed
        around, rules = place.around, snapshot.rules
        violations = find_violations(rules, around)
        broken = {violation.rule.name for violation in violations}
        return {
            "cluster": place.cluster.path,
            "drs_enabled": snapshot.drs_enabled,
            "compliant": not violations,
            "violations": [violation.as_result(around) for violation in violations],
            "conflicts": [finding.as_result(around) for finding in find_conflicts(rules, around)],
            "groups": [group_result(group, around) for _name, group in sorted(rules.groups.items())],
            "rules": [
                {
                    **rule_result(rule, around),
                    "violated": rule.name in broken,
                    "in_compliance": rule.in_compliance,
                    "by_user": rule.by_user,
                }
                for _name, rule in sorted(rules.rules.items())
            ],
            "overrides": [
                override_result(override, around)
                for override in sorted(rules.overrides.values(), key=lambda one: around.path(one.vm))
            ],
        }

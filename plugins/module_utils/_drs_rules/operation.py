# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of drs_group, drs_rule, drs_override and drs_ruleset: each handles a ruleset, of one item or many."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.apply import apply_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.desire import (
    desire_group,
    desire_override,
    desire_rule,
    desire_ruleset,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ObservedRules, Ruleset
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import observe_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.options import (
    group_argument_spec,
    override_argument_spec,
    rule_argument_spec,
    ruleset_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.plan import plan_observed
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.result import (
    group_results,
    named_rule_results,
    override_results,
    rule_warnings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class _RulesOperation(Operation[Ruleset, ObservedRules, RulesChange]):
    """The steps that all four share."""

    def observe(self, session: Session, desired: Ruleset) -> ObservedRules:
        return observe_rules(session, desired)

    def plan(self, desired: Ruleset, observed: ObservedRules) -> Plan[RulesChange]:
        return plan_observed(observed)

    def apply(
        self,
        session: Session,
        desired: Ruleset,
        observed: ObservedRules,
        plan: Plan[RulesChange],
        report: Report,
    ) -> ObservedRules:
        return apply_rules(session, observed, plan_observed, report)

    def result(self, desired: Ruleset, observed: ObservedRules) -> dict[str, Any]:
        return {
            "cluster": observed.place.cluster.path,
            **self.own_result(observed),
            "warnings": rule_warnings(observed),
        }

    @abstractmethod
    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        """Return the items that the task names, as they are now."""


class DrsGroup(_RulesOperation):
    name = "drs_group"
    argument_spec = argument_spec(**place_argument_spec(), **group_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return desire_group(params)

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"group": next(iter(group_results(observed)), None)}


class DrsRule(_RulesOperation):
    name = "drs_rule"
    argument_spec = argument_spec(**place_argument_spec(), **rule_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return desire_rule(params)

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"rule": next(iter(named_rule_results(observed)), None)}


class DrsOverride(_RulesOperation):
    name = "drs_override"
    argument_spec = argument_spec(**place_argument_spec(), **override_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return desire_override(params)

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {"overrides": override_results(observed)}


class DrsRuleset(_RulesOperation):
    name = "drs_ruleset"
    argument_spec = argument_spec(**place_argument_spec(), **ruleset_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Ruleset:
        return desire_ruleset(params)

    def own_result(self, observed: ObservedRules) -> dict[str, Any]:
        return {
            "groups": group_results(observed),
            "rules": named_rule_results(observed),
            "overrides": override_results(observed),
        }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the DRS rules of a stack: one request for each cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import StackRules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.apply import apply_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ObservedRules
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_stack_rules(
    session: Session,
    rules: Sequence[StackRules],
    replan: Callable[[ObservedRules], Plan[RulesChange]],
    report: Report,
) -> tuple[StackRules, ...]:
    """Write the rules of each cluster in which they differ, and return them as they are then."""
    return tuple(
        one.with_rules(apply_rules(session, one.observed, replan, report))
        if one.differing and one.obstacle is None
        else one
        for one in rules
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the DRS rules of a stack. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import RuleOfStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import StackRules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.plan import plan_observed


def plan_stack_rules(rules: Sequence[StackRules]) -> Iterator[RuleOfStack]:
    """Yield the changes of each cluster whose rules differ and can be written by this user."""
    raise_all([problem for one in rules for problem in _problems(one)])
    for index, one in enumerate(rules):
        if one.differing and one.obstacle is None:
            name = one.observed.place.cluster.name
            yield from (RuleOfStack(index, name, change) for change in plan_observed(one.observed).changes)


def _problems(rules: StackRules) -> Iterator[GantryError]:
    yield from map(GantryError, rules.problems)
    missing = [name for name in rules.differing if name in rules.required]
    if missing and rules.obstacle is not None:
        yield GantryError(
            f"The project needs {listed(missing)} in {rules.cluster}, and {rules.obstacle}. Run the task as another "
            "user, or remove deploy.placement and host_group from its services."
        )

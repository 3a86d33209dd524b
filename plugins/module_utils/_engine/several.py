# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan and apply a task for several objects of one kind that depend on each other, such as a pool and those in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Generic, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Change, ChangeOfPart, Plan

D = TypeVar("D")
O = TypeVar("O")  # noqa: E741 - the contract's names: desired, observed


@dataclass(frozen=True)
class Several(Generic[O]):
    """The observed state of each object, in the order in which the task lists them.

    ``settle`` returns what a change of the object at an index, which was as given before, makes of all of them.
    """

    ones: tuple[O, ...]
    settle: Callable[[tuple[O, ...], int, O], tuple[O, ...]]

    def with_one(self, index: int, one: O) -> Several[O]:
        """Return the state after a change of the object at an index."""
        changed = (*self.ones[:index], one, *self.ones[index + 1 :])
        return replace(self, ones=self.settle(changed, index, self.ones[index]))


@dataclass(frozen=True)
class ChangeOfOne(ChangeOfPart):
    """A change of the object at an index."""

    index: int
    change: Change

    def project(self, observed: Several[Any]) -> Several[Any]:
        return observed.with_one(self.index, self.change.project(observed.ones[self.index]))


def plan_several(
    desired: Sequence[D], observed: Several[O], plan_one: Callable[[D, O], Plan[Any]], order: Iterable[int]
) -> Plan[ChangeOfOne]:
    """Plan one object after the other, each as it is after the changes of those before it."""
    changes: list[ChangeOfOne] = []
    for index in order:
        for change in plan_one(desired[index], observed.ones[index]).changes:
            changes.append(ChangeOfOne(index, change))
            observed = changes[-1].project(observed)
    return Plan(tuple(changes))


def apply_several(observed: Several[O], plan: Plan[ChangeOfOne], apply_one: Callable[[O, Plan[Any]], O]) -> Several[O]:
    """Apply the plan object by object and return the state afterwards."""
    for index, changes in groupby(plan.changes, lambda change: change.index):
        done = apply_one(observed.ones[index], Plan(tuple(one.change for one in changes)))
        observed = observed.with_one(index, done)
    return observed

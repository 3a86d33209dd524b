# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a plan's diff: the effect of all of its changes, as two trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan, nested

Path = tuple[str, ...]
# Names can contain dots, as host names do.
KEYS = st.sampled_from(["web", "web.1", "db", "labels", "power", ""])
VALUES = st.one_of(st.integers(), st.text(max_size=3), st.none(), st.lists(st.integers(), max_size=2))
# All leaves at the same depth, so that a leaf of one state is never a branch of another.
PATHS = st.tuples(KEYS, KEYS)
STATES = st.dictionaries(PATHS, VALUES, max_size=5)


@dataclass(frozen=True)
class Set:
    """A change of some leaves from one state to another; None means that the leaf does not exist."""

    old: Mapping[Path, Any]
    new: Mapping[Path, Any]

    def describe(self) -> str:
        return f"set {sorted(self.old.keys() | self.new.keys())}"

    def before(self) -> Mapping[str, Any]:
        return tree(self.old)

    def after(self) -> Mapping[str, Any]:
        return tree(self.new)

    def project(self, observed: Mapping[Path, Any]) -> dict[Path, Any]:
        return {**{path: value for path, value in observed.items() if path not in self.old}, **self.new}


def tree(leaves: Mapping[Path, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for path, value in leaves.items():
        node = result
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return result


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Set], dict[Path, Any], dict[Path, Any], set[Path]]:
    """Draw consecutive changes, the state before and after all of them, and the paths that they touch."""
    state = draw(STATES)
    start = dict(state)
    changes: list[Set] = []
    touched: set[Path] = set()
    for _ in range(draw(st.integers(0, 4))):
        paths = draw(st.sets(PATHS, max_size=3))
        following = {**state}
        for path in paths:
            if draw(st.booleans()):
                following[path] = draw(VALUES)
            else:
                following.pop(path, None)
        changes.append(
            Set(
                {path: state[path] for path in paths if path in state},
                {path: following[path] for path in paths if path in following},
            )
        )
        touched |= paths
        state = following
    return changes, start, state, touched


@given(histories())
def test_diff_has_the_state_of_touched_paths_before_and_after(
    history: tuple[list[Set], dict[Path, Any], dict[Path, Any], set[Path]],
) -> None:
    changes, start, end, touched = history
    assert Plan(tuple(changes)).diff() == {
        "before": tree({path: value for path, value in start.items() if path in touched}),
        "after": tree({path: value for path, value in end.items() if path in touched}),
    }


@given(histories())
def test_the_projection_is_the_state_after_all_changes(
    history: tuple[list[Set], dict[Path, Any], dict[Path, Any], set[Path]],
) -> None:
    changes, start, end, _touched = history
    assert Plan(tuple(changes)).project(start) == end


@given(histories())
def test_diff_does_not_modify_the_changes(
    history: tuple[list[Set], dict[Path, Any], dict[Path, Any], set[Path]],
) -> None:
    changes, *_ = history
    trees = [(change.before(), change.after()) for change in changes]
    plan = Plan(tuple(changes))
    assert plan.diff() == plan.diff()
    assert [(change.before(), change.after()) for change in changes] == trees


def test_empty_plan() -> None:
    plan: Plan[Set] = Plan()
    assert not plan.changed
    assert plan.actions() == []
    assert plan.diff() == {"before": {}, "after": {}}


def test_actions_are_in_the_order_of_the_changes() -> None:
    plan = Plan((Set({}, {("b",): 1}), Set({}, {("a",): 1})))
    assert plan.changed
    assert plan.actions() == ["set [('b',)]", "set [('a',)]"]


def test_empty_mapping_is_a_value() -> None:
    change = Set({("labels",): {}}, {("labels", "tier"): "front"})
    assert Plan((change,)).diff() == {"before": {"labels": {}}, "after": {"labels": {"tier": "front"}}}


def test_value_that_becomes_a_branch_and_changes_again() -> None:
    first = Set({("cpu",): 1}, {("cpu", "count"): 1})
    second = Set({("cpu", "count"): 1}, {("cpu", "count"): 2})
    assert Plan((first, second)).diff() == {"before": {"cpu": 1}, "after": {"cpu": {"count": 2}}}


def test_nested() -> None:
    assert nested("vm", "web.example.com", value=1) == {"vm": {"web.example.com": 1}}


def test_nested_without_a_key_is_refused() -> None:
    with pytest.raises(TypeError, match="at least one key"):
        nested(value=1)

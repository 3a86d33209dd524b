# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the four steps: which of them run, and how results and failures are returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Finished
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect, InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import outcome


@dataclass(frozen=True)
class Move:
    old: int
    new: int

    def describe(self) -> str:
        return f"move to {self.new}"

    def before(self) -> Mapping[str, Any]:
        return {"place": self.old}

    def after(self) -> Mapping[str, Any]:
        return {"place": self.new}

    def project(self, _observed: int) -> int:
        return self.new


class World:
    """A stand-in for vCenter and the session: a place, and the calls made."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.steps: list[str] = []
        self.warnings: list[str] = []
        self.submitted: list[dict[str, str]] = []
        self.has_changed = False
        # The inventory of an earlier task, if any: observe() sees it until forget_inventory() is called.
        self.remembered: int | None = None
        self.uses_earlier_inventory = False

    def forget_inventory(self) -> None:
        self.remembered = None
        self.uses_earlier_inventory = False

    def look(self) -> int:
        self.uses_earlier_inventory = self.remembered is not None
        return self.place if self.remembered is None else self.remembered

    @contextmanager
    def session(self, _params: Mapping[str, Any]) -> Iterator[Any]:
        self.steps.append("open")
        try:
            yield self
        finally:
            self.steps.append("close")


class MoveOperation(Operation[int, int, Move]):
    name = "move"
    argument_spec = argument_spec(place={"type": "int"})
    fails_in = ""
    error: Exception = GantryError("no way", fault={"type": "Blocked", "message": "a wall"}, details={"wall": 3})

    def _step(self, session: Any, name: str) -> None:
        if session is not None:
            session.steps.append(name)
        if self.fails_in == name:
            raise self.error

    def desire(self, params: Mapping[str, Any]) -> int:
        self._step(None, "desire")
        return int(params["place"])

    def observe(self, session: Any, desired: int) -> int:
        self._step(session, "observe")
        place: int = session.look()
        return place

    def plan(self, desired: int, observed: int) -> Plan[Move]:
        self._step(None, "plan")
        return Plan() if desired == observed else Plan((Move(observed, desired),))

    def apply(self, session: Any, desired: int, observed: int, plan: Plan[Move], report: Any) -> int:
        session.submitted.append({"action": "move", "subject": "it", "task": "task-1"})
        session.has_changed = True
        self._step(session, "apply")
        report("moving")
        session.place = desired
        return desired

    def result(self, desired: int, observed: int) -> dict[str, Any]:
        return {"place": observed}


def run(operation: Any, world: World, place: int = 2, **options: Any) -> dict[str, Any]:
    options = {"check_mode": False, "diff_mode": False, "verbosity": 0, "report": [].append, **options}
    return outcome(operation, {"place": place}, session_source=world.session, **options)


def test_messages_are_plain_text() -> None:
    """Ansible pickles them in its workers, and an object of another class would end its thread of results."""

    class Finishing(MoveOperation):
        def apply(self, session: Any, desired: int, observed: int, plan: Plan[Move], report: Any) -> int:
            report(Finished("it", 1.0, "1 of 1"))
            return desired

    messages: list[str] = []
    run(Finishing(), World(1), report=messages.append)
    assert messages == ["it: done in 1.0 s (1 of 1)"]
    assert type(messages[0]) is str


def test_what_is_said_of_a_plan_is_the_same_in_check_mode() -> None:
    class Summing(MoveOperation):
        def summary(self, desired: int, observed: int, plan: Plan[Move]) -> dict[str, Any]:
            return {"summary": [observed, desired, len(plan.changes)]}

    found = [run(Summing(), World(1), check_mode=check) for check in (True, False)]
    assert [one["summary"] for one in found] == [[1, 2, 1], [1, 2, 1]]
    assert run(Summing(), World(2))["summary"] == [2, 2, 0]


def test_change() -> None:
    world = World(1)
    reports: list[str] = []
    assert run(MoveOperation(), world, report=reports.append) == {
        "changed": True,
        "actions": ["move to 2"],
        "place": 2,
    }
    assert world.steps == ["open", "observe", "apply", "close"]
    assert reports == ["moving"]


def test_nothing_to_do() -> None:
    world = World(2)
    assert run(MoveOperation(), world, diff_mode=True) == {
        "changed": False,
        "actions": [],
        "place": 2,
        "diff": {"before": {}, "after": {}},
    }
    assert world.steps == ["open", "observe", "close"]


def test_check_mode_predicts_and_does_not_apply() -> None:
    world = World(1)
    result = run(MoveOperation(), world, check_mode=True, diff_mode=True)
    assert result == {
        "changed": True,
        "actions": ["move to 2"],
        "place": 2,
        "diff": {"before": {"place": 1}, "after": {"place": 2}},
    }
    assert world.place == 1
    assert world.steps == ["open", "observe", "close"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_effects_are_in_the_result_and_those_that_are_the_same_together_in_the_header(check_mode: bool) -> None:
    restarted = Effect("a", "restarted", ("env", "user"))
    effects = [restarted, Effect("b", "replaced", ()), replace(restarted, name="c")]

    class Effective(MoveOperation):
        def effects(self, plan: Plan[Move]) -> list[Effect]:
            return effects if plan.changed else []

    result = run(Effective(), World(1), check_mode=check_mode, diff_mode=True)
    assert result["effects"][0] == {"name": "a", "effect": "restarted", "options": ["env", "user"]}
    assert [one["name"] for one in result["effects"]] == ["a", "b", "c"]
    assert result["diff"]["after_header"] == "a, c restarted (env, user); b replaced"
    nothing = run(Effective(), World(2), check_mode=check_mode, diff_mode=True)
    assert (nothing["effects"], nothing["diff"]) == ([], {"before": {}, "after": {}})


def test_the_inventory_of_an_earlier_task_is_sufficient_for_an_empty_plan() -> None:
    world = World(2)
    world.remembered = 2
    assert not run(MoveOperation(), world)["changed"]
    assert world.steps == ["open", "observe", "close"]


@pytest.mark.parametrize(("place", "changed"), [(1, True), (2, False)])
def test_a_plan_with_changes_is_based_on_a_new_read(place: int, changed: bool) -> None:
    world = World(place)
    world.remembered = 5
    assert run(MoveOperation(), world, diff_mode=True)["diff"]["before"] == ({"place": 1} if changed else {})
    assert world.steps == ["open", "observe", "observe", *(["apply"] if changed else []), "close"]


def test_an_error_is_based_on_a_new_read() -> None:
    class Strict(MoveOperation):
        def plan(self, desired: int, observed: int) -> Plan[Move]:
            if observed == 5:
                raise GantryError("there is no place 5")
            return super().plan(desired, observed)

    world = World(2)
    world.remembered = 5
    assert "failed" not in run(Strict(), world)
    world.place = 5
    assert run(Strict(), world)["msg"] == "there is no place 5"


def test_warnings_of_the_session_are_returned() -> None:
    world = World(2)
    world.warnings.append("it is windy")
    assert run(MoveOperation(), world)["warnings"] == ["it is windy"]


@pytest.mark.parametrize("step", ["desire", "observe", "plan"])
def test_failure_before_anything_is_changed(step: str) -> None:
    operation, world = MoveOperation(), World(1)
    operation.fails_in = step
    assert run(operation, world) == {
        "failed": True,
        "changed": False,
        "msg": "no way",
        "fault": {"type": "Blocked", "message": "a wall"},
        "wall": 3,
    }
    assert world.steps[:1] == ([] if step == "desire" else ["open"])
    assert world.steps.count("open") == world.steps.count("close")


def test_failure_after_something_was_submitted_says_so() -> None:
    operation, world = MoveOperation(), World(1)
    operation.fails_in = "apply"
    operation.error = GantryError("no way")
    result = run(operation, world)
    assert result["failed"]
    assert result["changed"]
    assert result["submitted"] == [{"action": "move", "subject": "it", "task": "task-1"}]
    assert world.steps[-1] == "close"


@pytest.mark.parametrize("step", ["desire", "observe", "plan", "apply"])
@pytest.mark.parametrize(("verbosity", "shown"), [(0, False), (2, False), (3, True)])
def test_a_defect_is_reported_as_a_message(step: str, verbosity: int, shown: bool) -> None:
    operation, world = MoveOperation(), World(1)
    operation.fails_in, operation.error = step, KeyError("oops")
    result = run(operation, world, verbosity=verbosity)
    assert result["failed"]
    assert "move met an error that it does not know: KeyError: 'oops'" in result["msg"]
    assert ("traceback" in result) == shown
    assert "Traceback" not in result["msg"]


def test_defect_after_something_was_submitted_says_so() -> None:
    operation, world = MoveOperation(), World(1)
    operation.fails_in, operation.error = "apply", KeyError("oops")
    result = run(operation, world)
    assert result["changed"]
    assert result["submitted"] == [{"action": "move", "subject": "it", "task": "task-1"}]


def test_info_operation_has_nothing_to_do() -> None:
    class Look(InfoOperation[None, int]):
        name = "look"
        argument_spec = argument_spec()

        def desire(self, params: Mapping[str, Any]) -> None:
            return None

        def observe(self, session: Any, desired: None) -> int:
            place: int = session.look()
            return place

        def result(self, desired: None, observed: int) -> dict[str, Any]:
            return {"place": observed}

    world = World(7)
    world.remembered = 5  # facts are never based on an earlier read
    assert run(Look(), world, diff_mode=True) == {
        "changed": False,
        "actions": [],
        "place": 7,
        "diff": {"before": {}, "after": {}},
    }


def test_an_own_option_with_the_name_of_a_connection_option_is_refused() -> None:
    with pytest.raises(ValueError, match="hostname"):
        argument_spec(hostname={"type": "str"})


def test_an_operation_without_check_mode_is_skipped_there_without_a_session() -> None:
    class Unpredictable(MoveOperation):
        supports_check_mode = False

    world = World(1)
    skipped = run(Unpredictable(), world, check_mode=True)
    assert (skipped["skipped"], skipped["changed"]) == (True, False)
    assert skipped["msg"] == "move does not support check mode, so the task is skipped."
    assert world.steps == []
    assert run(Unpredictable(), world)["changed"]


def test_options_are_validated_in_check_mode_even_if_the_task_is_skipped() -> None:
    class Unpredictable(MoveOperation):
        supports_check_mode = False
        fails_in = "desire"

    assert run(Unpredictable(), World(1), check_mode=True)["failed"]

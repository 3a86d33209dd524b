# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many subjects at a time: order, limits, and failures that stay where they belong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Finished
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import (
    Attempt,
    Batch,
    Flow,
    Gather,
    Kind,
    Subject,
    Watch,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import (
    DONE,
    FAILED,
    NOT_STARTED,
    SubjectResult,
    raise_failures,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, ResourceClaim, TaskLimits
from tests.support.builders.task_session import TaskSession, inline_starts

__all__ = ["inline_starts"]

# How a change may end. "task": its task fails; "start": vCenter refuses it; "lost": its answer does not arrive;
# "handler": we find that it cannot be made.
OK, ENDS = "ok", ("task", "start", "lost", "handler")
FULL = vim.fault.NoDiskSpace(msg="full")


@dataclass(frozen=True)
class Change:
    """A change with a task of its own."""

    name: str
    end: str = OK

    def describe(self) -> str:
        return f"{type(self).__name__.lower()} {self.name}"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return {}

    def project(self, observed: Any) -> Any:
        return observed


class Clone(Change):
    pass


class Rename(Change):
    pass


class Move(Change):
    """A change that vCenter makes without a task."""


class PowerOn(Change):
    """A change that is asked for once for many, and has a task for each."""


KINDS = (Clone, Rename, Move, PowerOn)


class Lab:
    """Subjects that are changed through a session, and what happened in which order."""

    def __init__(self, session: TaskSession) -> None:
        self.session = session
        self.events: list[tuple[str, str, Change]] = []
        self.gathered: list[int] = []
        self.reports: list[str] = []

    def run(
        self,
        *subjects: Subject,
        kinds: Mapping[type[Any], int] | None = None,
        total: int = 64,
        **options: Any,
    ) -> list[SubjectResult]:
        handlers: dict[type[Any], Callable[[Subject, Any], Flow[None]]] = {
            Clone: self.one_task,
            Rename: self.one_task,
            Move: self.call,
            PowerOn: self.bulk,
        }
        limits = kinds or {}
        batch: Batch[Subject] = Batch(
            self.session,  # type: ignore[arg-type]
            self.reports.append,
            {kind: Kind(handler, limits.get(kind)) for kind, handler in handlers.items()},
            limits=TaskLimits(total=total, linger=0.0),
            **options,
        )
        return batch.run(subjects)

    def log(self, event: str, subject: Subject, change: Change) -> None:
        self.events.append((event, subject.id, change))

    def begin(self, subject: Subject, change: Change) -> None:
        self.log("begin", subject, change)
        if change.end == "handler":
            raise GantryError(f"{change.name} cannot be changed")

    def job(self, change: Change, **options: Any) -> Job:
        def start() -> Any:
            if change.end == "start":
                raise FaultError("a call", FULL)
            if change.end == "lost":
                raise ConnectionLostError("The connection was lost.")
            return self.session.start(type(change).__name__, fault=FULL if change.end == "task" else None)

        return Job(change.name, type(change).__name__.lower(), start, **options)

    def one_task(self, subject: Subject, change: Change) -> Flow[None]:
        self.begin(subject, change)
        yield self.job(change)
        self.log("end", subject, change)

    def call(self, subject: Subject, change: Change) -> Flow[None]:
        self.log("begin", subject, change)

        def start() -> str:
            if change.end != OK:
                raise GantryError(f"{change.name} does not move")
            return "moved"

        assert (yield Job(change.name, "move", start, has_task=False)) == "moved"
        self.log("end", subject, change)

    def bulk(self, subject: Subject, change: Change) -> Flow[None]:
        self.begin(subject, change)
        asked = yield Gather("power on", change, self.power_on)
        assert change in asked
        yield self.job(change)
        self.log("end", subject, change)

    def power_on(self, changes: list[Change]) -> Job:
        def start() -> Any:
            self.gathered.append(len(changes))
            return self.session.start("gathered", result=changes)

        return Job(", ".join(change.name for change in changes), "power on", start)


def subject(name: str, *changes: Change, after: Sequence[str] = ()) -> Subject:
    return Subject(name, name, changes, frozenset(after))


def statuses(results: Sequence[SubjectResult]) -> list[str]:
    return [result.status for result in results]


@pytest.fixture
def lab() -> Lab:
    return Lab(TaskSession())


# -- properties

# The fixture of this file only takes the threads away; it is the same for all examples.
_SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def plans(draw: st.DrawFn) -> list[Subject]:
    """Subjects, each with some changes of which one may fail, and each after some of those before it, or following."""
    found: list[Subject] = []
    for number in range(draw(st.integers(1, 8))):
        name = f"s{number}"
        ends = st.sampled_from((OK, OK, OK, OK, *ENDS))
        changes = [
            draw(st.sampled_from(KINDS))(f"{name}-{step}", draw(ends)) for step in range(draw(st.integers(0, 4)))
        ]
        some = st.sets(st.sampled_from([one.id for one in found]), max_size=2) if found else st.just(set())
        after, follows = draw(some), draw(some)
        tolerated = draw(st.sampled_from((None, 0, 1)))
        found.append(Subject(name, name, changes, frozenset(after), frozenset(follows - after), tolerated))
    return found


def expected(subjects: Sequence[Subject]) -> dict[str, tuple[str, int]]:
    """Return the expected status of each subject and how many of its changes are made."""
    outcome: dict[str, tuple[str, int]] = {}
    for one in subjects:
        followed = [outcome[before][0] for before in one.follows]
        skipped = one.tolerated is not None and (NOT_STARTED in followed or followed.count(FAILED) > one.tolerated)
        if skipped or any(outcome[before][0] != DONE for before in one.after):
            outcome[one.id] = (NOT_STARTED, 0)
            continue
        made = next((n for n, change in enumerate(one.changes) if change.end != OK), len(one.changes))
        outcome[one.id] = (DONE if made == len(one.changes) else FAILED, made)
    return outcome


@_SHARED
@given(data=st.data())
def test_order_is_kept_limits_hold_and_failures_stay_where_they_belong(data: st.DataObject) -> None:
    session = TaskSession(choose=lambda count: data.draw(st.integers(0, count - 1)))
    lab = Lab(session)
    subjects = data.draw(plans())
    total, clones = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))

    results = lab.run(*subjects, kinds={Clone: clones}, total=total)

    assert session.most["Clone"] <= clones
    assert session.most_in_all <= total
    wanted = expected(subjects)
    for one, result in zip(subjects, results, strict=True):
        assert (result.status, len(result.made)) == wanted[one.id]
        assert (result.error is None) == (result.status == DONE)
        begun = [change for event, who, change in lab.events if (event, who) == ("begin", one.id)]
        assert begun == list(one.changes[: len(begun)])
        assert len(begun) == wanted[one.id][1] + (result.status == FAILED)
    for one in subjects:
        places = [n for n, (_event, who, _change) in enumerate(lab.events) if who == one.id]
        # Each change ends before the next one begins.
        assert [lab.events[n][0] for n in places] == [("begin", "end")[k % 2] for k in range(len(places))]
        for before in one.after | one.follows:
            if places:
                ends = [n for n, (event, who, _change) in enumerate(lab.events) if (event, who) == ("end", before)]
                assert all(n < places[0] for n in ends)
    assert session.running == {}


@_SHARED
@given(st.integers(1, 30), st.integers(1, 10))
def test_a_claim_on_what_subjects_share_is_kept(count: int, limit: int) -> None:
    session = TaskSession()

    def handler(one: Subject, _change: Any) -> Flow[None]:
        yield Job(one.name, "clone", lambda: session.start("clone"), claims=(ResourceClaim("datastore", 1, limit),))

    batch: Batch[Subject] = Batch(session, [].append, {Clone: Kind(handler)}, limits=TaskLimits(linger=0.0))  # type: ignore[arg-type]
    assert set(statuses(batch.run([subject(str(n), Clone(str(n))) for n in range(count)]))) == {DONE}
    assert session.most["clone"] == min(count, limit)


# -- examples


def test_a_subject_goes_on_while_others_are_behind() -> None:
    # The task that was started last ends first.
    session = TaskSession(choose=lambda count: count - 1)
    lab = Lab(session)
    assert (
        statuses(lab.run(subject("slow", Clone("slow")), subject("fast", Clone("fast"), Rename("fast")))) == [DONE] * 2
    )
    ends = [change.describe() for event, _who, change in lab.events if event == "end"]
    assert ends == ["clone fast", "rename fast", "clone slow"]


def test_it_reports_what_is_done_and_how_much_is_left(lab: Lab) -> None:
    lab.run(subject("a", Clone("a")), subject("b", Clone("b", "task")), subject("c", Clone("c")))
    finished = [one for one in lab.reports if isinstance(one, Finished)]
    assert [one.name for one in finished] == ["a", "c"]
    assert all(one.seconds >= 0 for one in finished)
    assert [one.rpartition(" (")[2] for one in finished] == ["1 of 3)", "2 of 3)"]


def test_one_request_serves_all_that_are_ready_for_it(lab: Lab) -> None:
    assert set(statuses(lab.run(*(subject(str(n), PowerOn(str(n))) for n in range(50))))) == {DONE}
    assert lab.gathered == [50]


def test_a_gathered_request_that_is_refused_is_made_for_each_alone() -> None:
    session = TaskSession()
    asked: list[list[str]] = []

    def make(names: list[str]) -> Job:
        def start() -> Any:
            asked.append(names)
            if "bad" in names:
                raise FaultError("a call", FULL)
            return session.start("gathered")

        return Job("all", "power on", start)

    def handler(one: Subject, _change: Any) -> Flow[None]:
        yield Gather("power on", one.name, make)

    batch: Batch[Subject] = Batch(session, [].append, {PowerOn: Kind(handler)}, limits=TaskLimits(linger=0.0))  # type: ignore[arg-type]
    results = batch.run([subject(name, PowerOn(name)) for name in ("a", "bad", "b")])
    assert statuses(results) == [DONE, FAILED, DONE]
    assert asked == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]


def test_a_gathered_request_whose_answer_is_lost_is_not_made_again(lab: Lab) -> None:
    def make(names: list[str]) -> Job:
        def start() -> Any:
            raise ConnectionLostError("The connection was lost.")

        return Job(", ".join(names), "power on", start)

    def handler(one: Subject, _change: Any) -> Flow[None]:
        yield Gather("power on", one.name, make)

    batch: Batch[Subject] = Batch(lab.session, [].append, {PowerOn: Kind(handler)})  # type: ignore[arg-type]
    assert statuses(batch.run([subject(name, PowerOn(name)) for name in "ab"])) == [FAILED, FAILED]


@pytest.mark.parametrize(
    ("single", "expected"), [(True, [["a"], ["b", "c", "d"]]), (False, [["a"], ["b"], ["c"], ["d"]])]
)
def test_who_asks_while_a_single_request_is_under_way_shares_the_next(single: bool, expected: list[list[str]]) -> None:
    session = TaskSession()  # the task that was started first ends first
    asked: list[list[str]] = []

    def make(names: list[str]) -> Job:
        def start() -> Any:
            asked.append(names)
            return session.start("gathered", result=list(names))

        return Job("all", "ask", start)

    def handler(one: Subject, _change: Any) -> Flow[None]:
        yield Job(one.name, "clone", lambda: session.start("clone"))
        answer = yield Gather("addresses", one.name, make, single=single)
        assert one.name in answer

    batch: Batch[Subject] = Batch(session, [].append, {Clone: Kind(handler)}, limits=TaskLimits(linger=0.0))  # type: ignore[arg-type]
    results = batch.run([subject(name, Clone(name)) for name in "abcd"])
    assert statuses(results) == [DONE] * 4
    assert asked == expected


def test_those_that_come_after_a_failure_say_after_whom(lab: Lab) -> None:
    results = lab.run(
        subject("db", Clone("db", "task")),
        subject("web", Clone("web"), after=["db"]),
        subject("proxy", Clone("proxy"), after=["web"]),
        subject("other", Clone("other")),
    )
    assert statuses(results) == [FAILED, NOT_STARTED, NOT_STARTED, DONE]
    assert [str(result.error) for result in results[1:3]] == [
        "web was not started: it comes after db, which failed.",
        "proxy was not started: it comes after web, which was not started.",
    ]


def test_a_long_chain_that_fails_at_its_beginning_is_reported_whole(lab: Lab) -> None:
    chain = [
        subject("0", Clone("0", "task")),
        *(subject(str(n), Clone("c"), after=[str(n - 1)]) for n in range(1, 3000)),
    ]
    results = lab.run(*chain)
    assert statuses(results) == [FAILED, *[NOT_STARTED] * 2999]


def test_a_failure_can_be_an_answer(lab: Lab) -> None:
    def handler(one: Subject, change: Any) -> Flow[None]:
        outcome = yield Attempt(lab.job(change))
        assert isinstance(outcome.error, FaultError)
        yield Job(one.name, "clean", lambda: lab.session.start("clean"))

    batch: Batch[Subject] = Batch(lab.session, [].append, {Clone: Kind(handler)}, limits=TaskLimits(linger=0.0))  # type: ignore[arg-type]
    assert statuses(batch.run([subject("a", Clone("a", "task")), subject("b", Clone("b", "start"))])) == [DONE, DONE]


class Until:
    """Waits for a VM to be on."""

    deadline = float("inf")

    def seen(self, values: Mapping[str, Any]) -> bool:
        return bool(values.get("power") == "on")


def test_a_wait_for_a_vm_ends_by_its_properties(lab: Lab) -> None:
    lab.session.properties = {"vm-a": [{"power": "off"}, {"power": "on"}], "vm-b": [{"power": "on"}]}
    late = Until()
    late.deadline = 0.0
    answers: dict[str, bool] = {}

    def handler(one: Subject, _change: Any) -> Flow[None]:
        watcher = late if one.name == "c" else Until()
        answers[one.name] = yield Watch(vim.VirtualMachine(f"vm-{one.name}"), ["power"], watcher)

    batch: Batch[Subject] = Batch(lab.session, [].append, {PowerOn: Kind(handler)})  # type: ignore[arg-type]
    assert set(statuses(batch.run([subject(name, PowerOn(name)) for name in "abc"]))) == {DONE}
    assert answers == {"a": True, "b": True, "c": False}


@pytest.mark.parametrize(
    ("interrupt", "why"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (ConnectionLostError("The connection was lost."), "The connection was lost"),
    ],
)
def test_what_was_submitted_is_reported_when_it_ends_early(lab: Lab, interrupt: BaseException, why: str) -> None:
    lab.session.interrupts = {2: interrupt}
    results = lab.run(
        subject("done", Clone("done")),
        subject("running", Clone("running"), Rename("running")),
        subject("waiting", Clone("waiting")),
        total=2,
    )
    assert statuses(results) == [DONE, FAILED, FAILED]
    assert lab.session.submitted[1]["subject"] == "running"
    task = lab.session.submitted[1]["task"]
    assert str(results[1].error) == (
        f"clone running: {why}. It was submitted as {task} and vCenter goes on with it: run again to see how it ended."
    )


def test_an_early_end_starts_nothing_more(lab: Lab) -> None:
    lab.session.interrupts = {1: KeyboardInterrupt()}
    results = lab.run(*(subject(str(n), Clone(str(n)), Rename(str(n))) for n in range(10)), total=3)
    assert statuses(results) == [FAILED] * 10
    assert len(lab.session.submitted) == 3
    assert [str(result.error) for result in results[3:]] == [
        f"clone {n}: interrupted. It was not started." for n in range(3, 10)
    ]


def test_errors_are_explained_by_the_domain(lab: Lab) -> None:
    def explain(change: Change, error: GantryError) -> GantryError:
        return GantryError(f"Could not {change.describe()}: {error.message}")

    (result,) = lab.run(subject("a", Rename("a"), Clone("a", "handler")), explain=explain)
    assert str(result.error) == "Could not clone a: a cannot be changed"
    assert result.made == ("rename a",)


def test_subjects_that_wait_for_one_another_are_refused(lab: Lab) -> None:
    with pytest.raises(GantryError, match=r"none of them can begin: a, b\.$"):
        lab.run(subject("a", after=["b"]), subject("b", after=["a"]), subject("c"))
    assert lab.session.submitted == []


def test_a_defect_is_not_hidden(lab: Lab) -> None:
    def handler(_one: Subject, _change: Any) -> Flow[None]:
        raise ZeroDivisionError
        yield

    batch: Batch[Subject] = Batch(lab.session, [].append, {Clone: Kind(handler)})  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        batch.run([subject("a", Clone("a"))])


# -- the error for all


def test_all_done_raises_nothing(lab: Lab) -> None:
    raise_failures(lab.run(subject("a", Clone("a")), subject("b")), "containers")


def test_one_error_names_each_failure_once_and_counts_the_rest(lab: Lab) -> None:
    results = lab.run(
        subject("a", Clone("a")),
        subject("b", Rename("b"), Clone("b", "task")),
        subject("c", Move("c", "handler")),
        subject("d", Clone("d"), after=["c"]),
    )
    with pytest.raises(GantryError) as caught:
        raise_failures(results, "containers")
    assert caught.value.message == (
        "1 of 4 containers are done, 2 failed. Cannot clone b: vCenter answered NoDiskSpace: full. c does not move. "
        "Not started, because they come after one that failed: d. Run again to finish them."
    )
    assert caught.value.fault == {"type": "NoDiskSpace", "message": "full"}
    shown = caught.value.details["subjects"]
    assert [(one["name"], one["status"], one["actions"]) for one in shown] == [
        ("a", DONE, ["clone a"]),
        ("b", FAILED, ["rename b"]),
        ("c", FAILED, []),
        ("d", NOT_STARTED, []),
    ]


def test_three_of_fifty_fail_at_three_steps_and_the_next_run_makes_what_is_left(lab: Lab) -> None:
    fails = {"web-10": (Clone, "task"), "web-20": (Rename, "start"), "web-30": (PowerOn, "lost")}

    def web(name: str, *, left: int = 0, failing: bool) -> Subject:
        kind, end = fails.get(name, (None, OK)) if failing else (None, OK)
        changes = [step(name, end if step is kind else OK) for step in (Clone, Rename, PowerOn)]
        return subject(name, *changes[left:])

    results = lab.run(*(web(f"web-{n:02}", failing=True) for n in range(50)))

    with pytest.raises(GantryError, match=r"^47 of 50 containers are done, 3 failed\.") as caught:
        raise_failures(results, "containers")
    assert all(caught.value.message.count(name) == 1 for name in fails)
    failed = [result for result in results if result.status == FAILED]
    assert {result.name: len(result.made) for result in failed} == {"web-10": 0, "web-20": 1, "web-30": 2}
    again = lab.run(*(web(result.name, left=len(result.made), failing=False) for result in failed))
    assert statuses(again) == [DONE] * 3
    assert [len(result.made) for result in again] == [3, 2, 1]


def test_the_error_of_a_single_subject_is_its_own(lab: Lab) -> None:
    results = lab.run(subject("a", Clone("a", "task")))
    with pytest.raises(GantryError) as caught:
        raise_failures(results, "containers")
    assert caught.value is results[0].error


def test_a_long_list_of_failures_is_cut_in_the_message_only(lab: Lab) -> None:
    results = lab.run(*(subject(f"web-{n}", Clone(f"web-{n}", "task")) for n in range(25)))
    with pytest.raises(GantryError, match=r"15 more failed: web-10, .*web-19 and 5 more\.") as caught:
        raise_failures(results, "containers")
    assert len(caught.value.details["subjects"]) == 25


def test_the_status_of_a_subject_is_not_that_of_what_its_error_describes() -> None:
    error = GantryError("The container is unhealthy.", details={"status": "running", "name": "guest", "log": "end"})
    result = SubjectResult("web-1", FAILED, ("start web-1",), error).as_result()
    assert (result["name"], result["status"], result["log"]) == ("web-1", "failed", "end")

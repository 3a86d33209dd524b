# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks: started within the limits, watched together, tried again when vCenter says "not now"."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import task_runner
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim, vmodl
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.task_runner import TaskRunner
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import (
    Job,
    JobOutcome,
    ResourceClaim,
    TaskLimits,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.updates import Updates


@dataclass
class Vcenter:
    """As much of a vCenter as tasks need: property collectors, list views, and tasks that end when told to.

    A task's script is what its updates say, one after the other; the last is its end.
    """

    lock: threading.Condition = field(default_factory=threading.Condition)
    views: dict[str, list[str]] = field(default_factory=dict)
    collectors: dict[str, list[str]] = field(default_factory=dict)
    scripts: dict[str, list[Any]] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)
    most_in_flight: int = 0
    most_on_host: Counter[str] = field(default_factory=Counter)
    host_of: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    failing_waits: list[Exception] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    history: list[Any] = field(default_factory=list)
    number: int = 0

    @property
    def content(self) -> Any:
        return SimpleNamespace(
            propertyCollector=SimpleNamespace(
                CreatePropertyCollector=self._create_collector, RetrievePropertiesEx=self._read
            ),
            viewManager=SimpleNamespace(CreateListView=self._create_view),
            taskManager=SimpleNamespace(CreateCollectorForTasks=self._create_history),
        )

    def _create_history(self, spec: Any) -> Any:
        """Return a collector whose latest page has one task, and the page before it the others."""
        assert set(spec.state) == {"success", "error"}
        pages = iter([self.history[:-1]])
        return SimpleNamespace(
            SetCollectorPageSize=lambda _size: None,
            latestPage=self.history[-1:],
            ResetCollector=lambda: None,
            ReadPreviousTasks=lambda _most: next(pages, []),
            DestroyCollector=lambda: self.requests.update(["DestroyCollector"]),
        )

    def forget(self, *moids: str) -> None:
        """Remove tasks that have ended, as vCenter does later, together with the session that waited for them."""
        with self.lock:
            self.removed |= set(moids)
            self.in_flight -= set(moids)
            self.end_session()

    def start(self, script: list[Any], host: str = "") -> Any:
        with self.lock:
            self.number += 1
            moid = f"task-{self.number}"
            self.scripts[moid] = script
            self.in_flight.add(moid)
            self.host_of[moid] = host
            self.most_in_flight = max(self.most_in_flight, len(self.in_flight))
            on_hosts = Counter(self.host_of[task] for task in self.in_flight)
            self.most_on_host |= on_hosts
        return vim.Task(moid)

    def _create_view(self, refs: list[Any]) -> Any:
        with self.lock:
            self.requests["CreateListView"] += 1
            name = f"view-{len(self.views)}"
            self._require(refs)
            self.views[name] = [ref._moId for ref in refs]
            view = vim.view.ListView(name)
        object.__setattr__(view, "ModifyListView", lambda add, _remove: self._modify(name, add))
        object.__setattr__(view, "DestroyView", lambda: self._end(name))
        return view

    def _require(self, refs: list[Any]) -> None:
        for ref in refs:
            if ref._moId in self.removed:
                raise gone(ref._moId)

    def _modify(self, name: str, add: list[Any]) -> None:
        with self.lock:
            self.requests["ModifyListView"] += 1
            if name not in self.views:
                raise gone(name)
            self.views[name] += [ref._moId for ref in add]
            self.lock.notify_all()

    def _end(self, name: str) -> None:
        with self.lock:
            self.requests["Destroy"] += 1
            if name not in self.views and name not in self.collectors:
                raise gone(name)
            self.views.pop(name, None)
            self.collectors.pop(name, None)

    def end_session(self) -> None:
        with self.lock:
            self.views.clear()
            self.collectors.clear()

    def _create_collector(self) -> Any:
        with self.lock:
            self.requests["CreatePropertyCollector"] += 1
            name = f"collector-{self.requests['CreatePropertyCollector']}"
            self.collectors[name] = []
        return SimpleNamespace(
            CreateFilter=lambda spec, _partial: self._filter(name, [one.obj._moId for one in spec.objectSet]),
            WaitForUpdatesEx=lambda version, options: self._wait(name, version, options.maxWaitSeconds),
            DestroyPropertyCollector=lambda: self._end(name),
        )

    def _read(self, specs: Any, _options: Any) -> Any:
        """Return the tasks' current state: their next scripted update, which is consumed only once they are watched."""
        with self.lock:
            self.requests["RetrievePropertiesEx"] += 1
            found = []
            self._require([one.obj for one in specs[0].objectSet])
            for one in specs[0].objectSet:
                if not self.scripts[one.obj._moId]:
                    found.append(SimpleNamespace(obj=one.obj, propSet=[]))
                    continue
                news = self.scripts[one.obj._moId][0]
                if news.state in ("success", "error"):
                    self.in_flight.discard(one.obj._moId)
                property_ = SimpleNamespace(name="info", val=news)
                found.append(SimpleNamespace(obj=one.obj, propSet=[property_]))
        return SimpleNamespace(objects=found, token=None)

    def _filter(self, collector: str, watched: list[str]) -> Any:
        with self.lock:
            self.requests["CreateFilter"] += 1
            if collector not in self.collectors:
                raise gone(collector)
            self.collectors[collector] += watched
            self.lock.notify_all()
        return SimpleNamespace(DestroyPropertyFilter=lambda: self._unfilter(collector, watched))

    def _unfilter(self, collector: str, watched: list[str]) -> None:
        with self.lock:
            self.requests["DestroyPropertyFilter"] += 1
            self.collectors[collector] = [one for one in self.collectors[collector] if one not in watched]

    def _wait(self, collector: str, _version: str, seconds: int) -> Any:
        with self.lock:
            self.requests["WaitForUpdatesEx"] += 1
            if self.failing_waits:
                raise self.failing_waits.pop(0)
            if collector not in self.collectors:
                raise gone(collector)
            # A filter is over a view or over one task itself.
            watched = [moid for name in self.collectors[collector] for moid in self.views.get(name, [name])]
            if not any(self.scripts.get(moid, True) for moid in watched):
                self.lock.wait(min(seconds, 0.2))
            updates = []
            missing = [SimpleNamespace(obj=vim.VirtualMachine(moid)) for moid in watched if moid not in self.scripts]
            for moid in watched:
                if self.scripts.get(moid):
                    info = self.scripts[moid].pop(0)
                    if isinstance(info, dict):
                        changes = [SimpleNamespace(name=name, val=value) for name, value in info.items()]
                        vm = vim.VirtualMachine(moid)
                        updates.append(SimpleNamespace(obj=vm, kind="modify", changeSet=changes))
                        continue
                    if info.state in ("success", "error"):
                        self.in_flight.discard(moid)
                    change = SimpleNamespace(name="info", val=info)
                    updates.append(SimpleNamespace(obj=vim.Task(moid), kind="modify", changeSet=[change]))
            if not updates and not missing:
                return None
            return SimpleNamespace(version="next", filterSet=[SimpleNamespace(objectSet=updates, missingSet=missing)])


def gone(name: str) -> FaultError:
    return FaultError("a call", vmodl.fault.ManagedObjectNotFound(msg="gone", obj=vim.Task(name)))


def info(state: str, **values: Any) -> Any:
    return SimpleNamespace(**{"state": state, "progress": None, "result": None, "error": None, **values})


def success(result: Any = None) -> list[Any]:
    return [info("queued"), info("running", progress=50), info("success", result=result)]


def failure(fault: Any) -> list[Any]:
    return [info("running"), info("error", error=fault)]


@dataclass
class Runs:
    vcenter: Vcenter
    submitted: list[dict[str, str]] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    leave_no_trace: bool = True

    def __call__(self, jobs: list[Job], *, limits: TaskLimits | None = None, timeout: float = 30.0) -> list[JobOutcome]:
        updates = Updates(self.vcenter.content, leave_no_trace=self.leave_no_trace, single=len(jobs) == 1)
        with TaskRunner(
            updates,
            self.reports.append,
            self.submitted,
            limits=limits or TaskLimits(),
            timeout=timeout,
            wait_seconds=1,
        ) as runner:
            return runner.run(jobs)


@pytest.fixture
def vcenter() -> Vcenter:
    return Vcenter()


@pytest.fixture
def runs(vcenter: Vcenter) -> Runs:
    return Runs(vcenter)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_runner, "_FIRST_PAUSE", 0.005)


def in_turn(*starts: Callable[[], Any]) -> Callable[[], Any]:
    """Another start at each attempt."""
    left = iter(starts)

    def start() -> Any:
        return next(left)()

    return start


def refuse(fault: Any) -> Callable[[], Any]:
    def start() -> Any:
        raise FaultError("PowerOnVM_Task on vm-1", fault)

    return start


def test_one_task(runs: Runs, vcenter: Vcenter) -> None:
    (outcome,) = runs([Job("web", "clone", lambda: vcenter.start(success("vm-7")))])
    assert outcome.error is None
    assert outcome.result == "vm-7"
    assert outcome.task == "task-1"
    assert runs.submitted == [{"action": "clone", "subject": "web", "task": "task-1"}]
    assert runs.reports == ["clone web: started as task-1", "clone web: 50 %", "clone web: done"]
    assert vcenter.views == {}
    assert vcenter.collectors == {}


def test_no_task(runs: Runs, vcenter: Vcenter) -> None:
    assert runs([]) == []
    assert not vcenter.requests


def test_outcomes_are_in_the_order_of_the_jobs(runs: Runs, vcenter: Vcenter) -> None:
    def job(number: int) -> Job:
        return Job(str(number), "clone", lambda: vcenter.start(success(number)))

    outcomes = runs([job(number) for number in range(50)])
    assert [outcome.result for outcome in outcomes] == list(range(50))


def test_tasks_are_watched_together(runs: Runs, vcenter: Vcenter) -> None:
    runs([Job(str(number), "clone", lambda: vcenter.start(success())) for number in range(50)])
    assert vcenter.requests["CreatePropertyCollector"] == 1
    assert vcenter.requests["CreateListView"] == 1
    # Those that start together are added together.
    assert vcenter.requests["ModifyListView"] <= 18


def test_claims_on_what_jobs_share_are_kept_within_its_limit(runs: Runs, vcenter: Vcenter) -> None:
    """Four moves with their disks at a time: each takes 4 of 8 of one of two hosts."""
    hosts = ("host-1", "host-2")
    jobs = [
        Job(
            str(number),
            "move",
            lambda number=number: vcenter.start([info("running"), *success()], hosts[number % 2]),  # type: ignore[misc]
            claims=(ResourceClaim(hosts[number % 2], 4, 8), ResourceClaim("store", 16, 128)),
        )
        for number in range(12)
    ]
    outcomes = runs(jobs)
    assert all(outcome.error is None for outcome in outcomes)
    assert max(vcenter.most_on_host.values()) == 2
    assert all(outcome.seconds is not None for outcome in outcomes)


def test_what_claims_more_than_there_is_runs_alone(runs: Runs, vcenter: Vcenter) -> None:
    jobs = [Job(str(n), "move", lambda: vcenter.start(success()), claims=(ResourceClaim("a", 9, 8),)) for n in range(3)]
    assert all(outcome.error is None for outcome in runs(jobs))
    assert vcenter.most_in_flight == 1


def test_checks_that_end_at_once_are_read_and_not_watched(runs: Runs, vcenter: Vcenter) -> None:
    end = success("fine")[-1:]
    outcomes = runs([Job(str(n), "check", lambda: vcenter.start(list(end)), mutates=False) for n in range(5)])
    assert [outcome.result for outcome in outcomes] == ["fine"] * 5
    assert vcenter.requests["RetrievePropertiesEx"] <= 3
    assert vcenter.requests["CreatePropertyCollector"] == 0
    assert runs.submitted == []


def test_checks_that_take_their_time_are_watched(runs: Runs, vcenter: Vcenter) -> None:
    outcomes = runs([Job(str(n), "check", lambda: vcenter.start(success("fine")), mutates=False) for n in range(3)])
    assert [outcome.result for outcome in outcomes] == ["fine"] * 3
    assert vcenter.requests["CreatePropertyCollector"] == 1


@pytest.mark.parametrize(("leave_no_trace", "requests"), [(True, 2), (False, 0)])
def test_a_session_that_ends_soon_is_not_tidied(vcenter: Vcenter, leave_no_trace: bool, requests: int) -> None:
    runs = Runs(vcenter, leave_no_trace=leave_no_trace)
    runs([Job(str(n), "clone", lambda: vcenter.start(success())) for n in range(2)])
    assert vcenter.requests["Destroy"] == requests


def test_a_single_task_needs_no_list(runs: Runs, vcenter: Vcenter) -> None:
    starts = iter([failure(vim.fault.TaskInProgress(msg="busy")), success("done")])
    (outcome,) = runs([Job("web", "power on", lambda: vcenter.start(next(starts)))])
    assert outcome.result == "done"
    assert vcenter.requests["CreatePropertyCollector"] == 1
    assert vcenter.requests["CreateListView"] == 0
    assert vcenter.requests["Destroy"] == 1


@pytest.mark.parametrize("total", [1, 3, 8])
def test_limit_in_all(runs: Runs, vcenter: Vcenter, total: int) -> None:
    jobs = [Job(str(number), "clone", lambda: vcenter.start(success())) for number in range(20)]
    assert all(outcome.error is None for outcome in runs(jobs, limits=TaskLimits(total=total)))
    assert vcenter.most_in_flight <= total


def test_failure_of_a_task_keeps_its_fault_and_spares_the_others(runs: Runs, vcenter: Vcenter) -> None:
    full = vim.fault.NoDiskSpace(msg="Insufficient disk space.", datastore="shared0")
    bad, good = runs(
        [
            Job("web", "clone", lambda: vcenter.start(failure(full))),
            Job("db", "clone", lambda: vcenter.start(success("vm-1"))),
        ]
    )
    assert isinstance(bad.error, FaultError)
    assert bad.error.kind == "NoDiskSpace"
    assert bad.error.message == (
        "Cannot clone web: vCenter answered NoDiskSpace: Insufficient disk space. (datastore shared0)."
    )
    assert good.result == "vm-1"


def test_task_that_is_refused_was_not_submitted(runs: Runs, vcenter: Vcenter) -> None:
    (outcome,) = runs([Job("web", "power on", refuse(vim.fault.InvalidState(msg="not now")))])
    assert outcome.error is not None
    assert outcome.error.message == "Cannot power on web: vCenter answered InvalidState: not now."
    assert outcome.task == ""
    assert runs.submitted == []
    assert not vcenter.requests


@pytest.mark.parametrize("fault", [vim.fault.TaskInProgress(), vim.fault.ConcurrentAccess()])
def test_not_now_is_tried_again(runs: Runs, vcenter: Vcenter, fault: Any) -> None:
    start = in_turn(
        refuse(fault), lambda: vcenter.start(failure(fault)), refuse(fault), lambda: vcenter.start(success("done"))
    )
    (outcome,) = runs([Job("web", "reconfigure", start)])
    assert outcome.error is None
    assert outcome.result == "done"
    assert outcome.task == "task-2"


def test_not_now_for_ever_ends(runs: Runs, vcenter: Vcenter) -> None:
    attempts = []

    def start() -> Any:
        attempts.append(1)
        return refuse(vim.fault.TaskInProgress(msg="busy"))()

    (outcome,) = runs([Job("web", "reconfigure", start)])
    assert isinstance(outcome.error, FaultError)
    assert outcome.error.kind == "TaskInProgress"
    assert len(attempts) == 7


def test_task_that_does_not_end(runs: Runs, vcenter: Vcenter) -> None:
    never, waiting = runs(
        [
            Job("web", "clone", lambda: vcenter.start([info("running", progress=3)])),
            Job("db", "clone", lambda: vcenter.start(success())),
        ],
        limits=TaskLimits(total=1),
        timeout=1.2,
    )
    assert never.error is not None
    assert never.error.message == (
        "clone web: not finished within 1.2 s. It was submitted as task-1 and vCenter goes on with it: "
        "run again to see how it ended."
    )
    assert waiting.error is not None
    assert waiting.error.message == "clone db: not finished within 1.2 s. It was not started."


def test_lost_connection_says_what_was_submitted(runs: Runs, vcenter: Vcenter) -> None:
    vcenter.failing_waits = [ConnectionLostError("The connection was lost.")]
    (outcome,) = runs([Job("web", "clone", lambda: vcenter.start(success()))])
    assert outcome.error is not None
    assert "clone web: The connection was lost. It was submitted as task-1" in outcome.error.message
    assert vcenter.requests["Destroy"] == 0
    assert runs.submitted == [{"action": "clone", "subject": "web", "task": "task-1"}]


def test_session_that_ends_while_tasks_run_is_survived(runs: Runs, vcenter: Vcenter) -> None:
    class Ending(list[Any]):
        """Ends the session with the first update."""

        def pop(self, index: Any = 0) -> Any:  # type: ignore[override]
            if len(self) == 3:
                vcenter.end_session()
            return super().pop(index)

    (outcome,) = runs([Job("web", "clone", lambda: vcenter.start(Ending(success("vm-1"))))])
    assert outcome.error is None
    assert outcome.result == "vm-1"
    assert vcenter.requests["CreatePropertyCollector"] == 2


class Unseen(list[Any]):
    """The script of a task that is last seen running: its end comes while nobody is logged in, and it is removed."""

    def __init__(self, vcenter: Vcenter, *ended: Any) -> None:
        super().__init__([info("running")])
        self.vcenter = vcenter
        self.ended = ended

    def pop(self, index: Any = 0) -> Any:  # type: ignore[override]
        self.vcenter.history += self.ended
        self.vcenter.forget(*self.vcenter.in_flight)
        return super().pop(index)


def past(moid: str, state: str, **values: Any) -> Any:
    return SimpleNamespace(task=vim.Task(moid), **vars(info(state, **values)))


@pytest.mark.parametrize("others", [0, 1], ids=["one", "many"])
def test_the_end_of_a_removed_task_is_in_the_history(runs: Runs, vcenter: Vcenter, others: int) -> None:
    fault = vim.fault.DuplicateName(msg="taken")
    ended = [past("task-1", "success", result="vm-7"), past("task-2", "error", error=fault)]
    newer = past("task-99", "success")
    jobs = [Job("web", "clone", lambda: vcenter.start(Unseen(vcenter, *ended, newer)))]
    jobs += [Job("db", "clone", lambda: vcenter.start([info("running")]))] * others
    outcomes = runs(jobs, limits=TaskLimits(total=2))
    results = {one.task: one.result for one in outcomes if one.error is None}
    assert results == {"task-1": "vm-7"}
    errors = [str(one.error) for one in outcomes if one.error is not None]
    assert errors == ["Cannot clone db: vCenter answered DuplicateName: taken."] * others
    assert vcenter.requests["DestroyCollector"] == 1


def test_a_removed_task_that_the_history_lacks_is_said_to_be_so(runs: Runs, vcenter: Vcenter) -> None:
    (outcome,) = runs([Job("web", "clone", lambda: vcenter.start(Unseen(vcenter, past("task-99", "success"))))])
    assert str(outcome.error) == (
        "clone web: vCenter has removed the task task-1, as it does some minutes after the end of a task, "
        "and its history does not have the task. Run again to see how it ended."
    )


def test_defect_of_a_start_is_raised(runs: Runs, vcenter: Vcenter) -> None:
    def start() -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runs([Job("web", "clone", start)])


def test_error_of_ours_in_a_start_is_the_outcome(runs: Runs) -> None:
    def start() -> Any:
        raise GantryError("no such disk")

    (outcome,) = runs([Job("web", "clone", start)])
    assert outcome.error is not None
    assert outcome.error.message == "no such disk"


def test_slow_starts_and_quick_ends_do_not_race(runs: Runs, vcenter: Vcenter) -> None:
    seen: defaultdict[str, int] = defaultdict(int)

    def job(number: int) -> Job:
        def start() -> Any:
            seen[str(number)] += 1
            return vcenter.start([info("success", result=number)])

        return Job(str(number), "clone", start)

    outcomes = runs([job(number) for number in range(200)], limits=TaskLimits(total=5))
    assert [outcome.result for outcome in outcomes] == list(range(200))
    assert set(seen.values()) == {1}


# -- requests without a task, and waits for what VMs become


def test_a_request_without_a_task_is_over_with_its_answer(runs: Runs, vcenter: Vcenter) -> None:
    moved, refused = runs(
        [
            Job("web", "move", lambda: "moved", has_task=False),
            Job("db", "move", refuse(vim.fault.InvalidState(msg="not now")), has_task=False),
        ]
    )
    assert moved.result == "moved"
    assert isinstance(refused.error, FaultError)
    assert runs.submitted == [{"action": "move", "subject": "web", "task": ""}]
    assert not vcenter.requests


def test_requests_without_a_task_are_made_at_the_same_time(runs: Runs) -> None:
    together = threading.Barrier(4, timeout=10)
    outcomes = runs([Job(str(number), "move", together.wait, has_task=False) for number in range(4)])
    assert sorted(outcome.result for outcome in outcomes) == [0, 1, 2, 3]


def test_a_long_request_is_stopped_when_the_run_ends_early(runs: Runs) -> None:
    stop = threading.Event()

    def upload() -> None:
        assert stop.wait(10)
        raise GantryError("The upload was stopped.")

    (outcome,) = runs([Job("image", "import", upload, has_task=False, stop=stop)], timeout=0.3)
    assert outcome.error is not None
    assert outcome.error.message == "The upload was stopped."


@dataclass
class On:
    """Waits for a VM to be on."""

    deadline: float = float("inf")

    def seen(self, values: Mapping[str, Any]) -> bool:
        return bool(values.get("power") == "on")


@contextmanager
def runner_of(vcenter: Vcenter, **options: Any) -> Iterator[TaskRunner]:
    updates = Updates(vcenter.content, leave_no_trace=True, single=False)
    with TaskRunner(updates, [].append, [], limits=TaskLimits(linger=0.0), wait_seconds=1, **options) as runner:
        yield runner


def test_vms_and_tasks_are_watched_by_one_collector(vcenter: Vcenter) -> None:
    vcenter.scripts = {"vm-1": [{"power": "off"}, {"power": "on"}], "vm-2": [{"power": "on"}]}
    with runner_of(vcenter) as runner:
        left = {
            runner.submit(Job("web", "clone", lambda: vcenter.start(success("vm-7")))): "clone",
            runner.watch(vim.VirtualMachine("vm-1"), ["power"], On()): "first",
            runner.watch(vim.VirtualMachine("vm-2"), ["power"], On()): "second",
            runner.watch(vim.VirtualMachine("vm-gone"), ["power"], On()): "gone",
        }
        over = {}
        while left:
            for outcome in runner.wait():
                over[left.pop(outcome)] = getattr(outcome, "missed", False)
    assert over == {"clone": False, "first": False, "second": False, "gone": True}
    assert vcenter.requests["CreatePropertyCollector"] == 1
    # One for the tasks, one for the VMs that are watched from the same time on.
    assert vcenter.requests["CreateFilter"] == 2


def test_a_wait_that_takes_too_long_is_missed(vcenter: Vcenter) -> None:
    vcenter.scripts = {"vm-1": [{"power": "off"}]}
    with runner_of(vcenter) as runner:
        outcome = runner.watch(vim.VirtualMachine("vm-1"), ["power"], On(deadline=time.monotonic() + 0.1))
        assert runner.wait() == [outcome]
    assert outcome.missed


def test_waits_survive_a_session_that_ends(vcenter: Vcenter) -> None:
    class Ending(list[Any]):
        """Ends the session with the first update."""

        def pop(self, index: Any = 0) -> Any:  # type: ignore[override]
            if len(self) == 2:
                vcenter.end_session()
            return super().pop(index)

    vcenter.scripts = {"vm-1": Ending([{"power": "off"}, {"power": "on"}])}
    with runner_of(vcenter) as runner:
        outcome = runner.watch(vim.VirtualMachine("vm-1"), ["power"], On())
        assert runner.wait() == [outcome]
    assert not outcome.missed
    assert vcenter.requests["CreatePropertyCollector"] == 2


def test_one_task_that_takes_too_long_does_not_end_the_others(vcenter: Vcenter) -> None:
    with runner_of(vcenter, task_timeout=1.0) as runner:
        late = runner.submit(Job("web", "clone", lambda: vcenter.start([info("running")])))
        assert runner.wait() == [late]
        other = runner.submit(Job("db", "clone", lambda: vcenter.start(success("vm-1"))))
        assert runner.wait() == [other]
    assert str(late.error) == (
        "clone web: not finished within 1 s. It was submitted as task-1 and vCenter goes on with it: "
        "run again to see how it ended."
    )
    assert other.result == "vm-1"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vCenter tasks: started in parallel within limits, watched all at once, their faults kept."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import (
    filter_spec,
    object_spec,
    property_spec,
    read_objects,
    traversal,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError, fault_kind
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim, vmodl

DEFAULT_TIMEOUT = 3600.0
# Requests that start tasks, at the same time.
_STARTERS = 8
# Faults that say "not now": the job is started again after 0.5, 1, 2, ... s.
_TRANSIENT = frozenset({"TaskInProgress", "ConcurrentAccess"})
_ATTEMPTS = 7
_FIRST_PAUSE = 0.5
# Tasks that start, and news that come, close together are taken in together: each has a request of its own otherwise.
_GATHER_SECONDS = 0.5
_LINGER_MOST = 1.0
_LINGER_SHARE = 0.02  # of how long it has taken so far
# After how long checks and searches are looked at: they mostly end at once, and are not worth being watched.
_LOOK_SECONDS = (0.05, 0.3, 1.0, 2.0)


@dataclass(frozen=True)
class TaskLimits:
    """Tasks in flight: in all, and on one host, whose agent chokes on many.

    ``linger`` is how many seconds news may lie before it is asked for, so that more of it comes at once.
    """

    total: int = 32
    per_host: int = 8
    linger: float = 0.05


@dataclass(frozen=True)
class ResourceClaim:
    """What a task takes of a resource that others take of too: jobs together never claim more than ``limit``."""

    resource: str
    amount: int
    limit: int


@dataclass(frozen=True)
class Job:
    """One task to be: ``action`` ("power on") done to ``subject`` ("web"), started by the call of ``start``.

    One that does not mutate, such as a search, is not recorded as submitted.
    """

    subject: str
    action: str
    start: Callable[[], Any]
    host: str | None = None
    mutates: bool = True
    claims: tuple[ResourceClaim, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


@dataclass
class JobOutcome:
    job: Job
    result: Any = None
    error: GantryError | None = None
    task: str = ""
    seconds: float | None = None  # from its start to its end, if it came to that


@dataclass
class _Run:
    """A job on its way."""

    job: Job
    outcome: JobOutcome
    attempts: int = 0
    not_before: float = 0.0
    started: float = 0.0
    finished: bool = False


class TaskRunner:
    """Runs jobs: starts them in threads, watches them in the calling one."""

    def __init__(
        self,
        content: Any,
        report: Callable[[str], None],
        submitted: list[dict[str, str]],
        *,
        limits: TaskLimits,
        timeout: float,
        wait_seconds: int,
        leave_no_trace: bool = True,
    ) -> None:
        """``leave_no_trace`` is for a session that is not logged out soon, which would clear up too."""
        self._report = report
        self._submitted = submitted
        self._limits = limits
        self._timeout = timeout
        self._wait_seconds = wait_seconds
        self._watch = _Watch(content, leave_no_trace=leave_no_trace)
        self._looks: deque[float] = deque()
        # Guards all below; the starting threads tell by it that a task is there to be watched, or that it failed.
        self._changed = threading.Condition()
        self._waiting: deque[_Run] = deque()
        self._starting: list[_Run] = []
        self._in_flight: dict[str, _Run] = {}
        self._began = 0.0
        self._has_news = False

    def run(self, jobs: Sequence[Job]) -> list[JobOutcome]:
        runs = [_Run(job, JobOutcome(job)) for job in jobs]
        self._waiting.extend(runs)
        self._watch.single = len(jobs) == 1
        if not any(job.mutates for job in jobs):
            self._looks.extend(_LOOK_SECONDS)
        self._began = time.monotonic()
        deadline = self._began + self._timeout
        why = f"not finished within {self._timeout:g} s"
        with self._watch, ThreadPoolExecutor(max(1, min(_STARTERS, len(jobs)))) as pool:
            starts: list[Future[None]] = []
            try:
                while not all(run.finished for run in runs) and time.monotonic() < deadline:
                    starts.extend(pool.submit(self._start, run) for run in self._take())
                    starts = [start for start in starts if not _done(start)]
                    self._observe(deadline)
            except GantryError as error:
                if isinstance(error, ConnectionLostError):
                    self._watch.abandon()
                why = error.message.rstrip(".")
        self._give_up(why)
        return [run.outcome for run in runs]

    def _take(self) -> list[_Run]:
        """Those that the limits let start now."""
        taken: list[_Run] = []
        with self._changed:
            active = [run.job for run in (*self._starting, *self._in_flight.values())]
            busy = Counter(job.host for job in active)
            claimed = Counter[str]()
            for job in active:
                _claim(claimed, job)
            total = busy.total()
            left: deque[_Run] = deque()
            now = time.monotonic()
            for run in self._waiting:
                host = run.job.host
                full = total >= self._limits.total or (host is not None and busy[host] >= self._limits.per_host)
                if full or not _has_room(claimed, run.job) or run.not_before > now:
                    left.append(run)
                else:
                    taken.append(run)
                    busy[host] += 1
                    _claim(claimed, run.job)
                    total += 1
            self._waiting = left
            self._starting.extend(taken)
        return taken

    def _start(self, run: _Run) -> None:
        """In a thread: make the request that starts the task, and have the task watched."""
        run.attempts += 1
        try:
            task = run.job.start()
        except GantryError as error:
            with self._changed:
                self._starting.remove(run)
                self._failed(run, error.cause if isinstance(error, FaultError) else error)
                self._changed.notify()
            return
        key = moid_of(task)
        run.outcome.task = key
        with self._changed:
            if run.job.mutates:
                self._submitted.append({"action": run.job.action, "subject": run.job.subject, "task": key})
            self._starting.remove(run)
            run.started = time.monotonic()
            self._in_flight[key] = run
            self._watch.add(task)
            self._changed.notify()
            self._report(f"{run.job}: started as {key}")
        if self._watch.waiting:
            self._watch.take_in()

    def _observe(self, deadline: float) -> None:
        """Wait until something may have changed, and take in what has."""
        with self._changed:
            pause = min([deadline, *(run.not_before for run in self._waiting if run.not_before)]) - time.monotonic()
            if not self._in_flight:
                if self._starting or self._waiting:
                    self._changed.wait(max(0.0, min(pause, self._wait_seconds)))
                return
            self._changed.wait_for(lambda: not self._starting, max(0.0, min(pause, _GATHER_SECONDS)))
            linger = self._has_news and len(self._in_flight) > 1
        if self._looks:
            time.sleep(min(self._looks.popleft(), max(0.0, pause)))
            for key, info in self._watch.look():
                self._take_in(key, info)
            return
        if linger:
            share = _LINGER_SHARE * (time.monotonic() - self._began)
            time.sleep(max(self._limits.linger, min(_LINGER_MOST, share)))
        self._has_news = False
        for key, info in self._watch.wait(max(1, min(int(pause), self._wait_seconds))):
            self._take_in(key, info)

    def _take_in(self, key: str, info: _Info) -> None:
        self._has_news = True
        with self._changed:
            run = self._in_flight.get(key)
            if run is None:
                return
            if info.state not in ("success", "error"):
                if info.progress:
                    self._report(f"{run.job}: {info.progress} %")
                return
            del self._in_flight[key]
            run.outcome.seconds = time.monotonic() - run.started
            if info.state == "success":
                run.outcome.result = info.result
                run.finished = True
                self._report(f"{run.job}: done")
            else:
                self._failed(run, info.error)

    def _failed(self, run: _Run, why: Any) -> None:
        """Under the lock: try again later, or settle the outcome. ``why``: a vCenter fault or our error."""
        if not isinstance(why, GantryError):
            if fault_kind(why) in _TRANSIENT and run.attempts < _ATTEMPTS:
                pause = _FIRST_PAUSE * 2 ** (run.attempts - 1)
                self._report(f"{run.job}: {fault_kind(why)}, again in {pause:g} s")
                run.not_before = time.monotonic() + pause
                self._waiting.append(run)
                return
            why = FaultError(f"Cannot {run.job}", why)
        run.outcome.error = why
        run.finished = True

    def _give_up(self, why: str) -> None:
        """Say of all that is unfinished how far it got."""
        with self._changed:
            for key, run in self._in_flight.items():
                run.outcome.error = GantryError(
                    f"{run.job}: {why}. It was submitted as {key} and vCenter goes on with it: "
                    "run again to see how it ended."
                )
            for run in self._waiting:
                run.outcome.error = GantryError(f"{run.job}: {why}. It was not started.")
            for run in (*self._in_flight.values(), *self._waiting):
                run.finished = True
            self._in_flight.clear()
            self._waiting.clear()


def _claim(claimed: Counter[str], job: Job) -> None:
    for claim in job.claims:
        claimed[claim.resource] += claim.amount


def _has_room(claimed: Counter[str], job: Job) -> bool:
    """What claims more than there is runs alone."""
    return all(
        not claimed[claim.resource] or claimed[claim.resource] + claim.amount <= claim.limit for claim in job.claims
    )


def _done(start: Future[None]) -> bool:
    """Whether it is over; raises what it raised."""
    if not start.done():
        return False
    start.result()
    return True


@dataclass
class _Info:
    """What is known of a task."""

    state: str = ""
    progress: int | None = None
    result: Any = None
    error: Any = None

    def learn(self, name: str, value: Any) -> None:
        if name == "info":
            for field in ("state", "progress", "result", "error"):
                setattr(self, field, getattr(value, field))
        elif (part := name.removeprefix("info.")) in ("state", "progress", "result", "error"):
            setattr(self, part, value)


class _Watch:
    """One list view of the tasks, and one filter over it in a property collector of our own.

    Of our own, because the session may be shared with other processes, which must not get our updates. What is in
    the list may change while ``wait`` waits. A single job needs no list: its task has a filter of its own.
    """

    def __init__(self, content: Any, *, leave_no_trace: bool) -> None:
        self._content = content
        self._leave_no_trace = leave_no_trace
        self.single = False
        self.waiting = False
        self._lock = threading.Lock()
        self._new: deque[Any] = deque()
        self._tasks: dict[str, Any] = {}
        self._known: dict[str, _Info] = {}
        self._view: Any = None
        self._collector: Any = None
        self._version = ""

    def __enter__(self) -> None:
        pass  # opened by the first task: a run whose starts all fail costs nothing here

    def __exit__(self, *exc: object) -> None:
        # vCenter drops both with the session at the latest.
        if not self._leave_no_trace:
            return
        with self._lock, contextlib.suppress(GantryError):
            if self._collector is not None:
                self._collector.DestroyPropertyCollector()
            if self._view is not None:
                self._view.DestroyView()

    def abandon(self) -> None:
        """Leave it to vCenter to clear up: it does not answer, and each farewell would wait for that anew."""
        self._collector = self._view = None

    def add(self, task: Any) -> None:
        """Have it watched from the next wait on, or if one is under way, when it is taken in."""
        self._new.append(task)

    def take_in(self) -> None:
        with self._lock:
            new = []
            while self._new:
                new.append(self._new.popleft())
            self._tasks.update({moid_of(task): task for task in new})
            if self._collector is None:
                self._open()
                return
            if not new:
                return
            try:
                if self.single:
                    self._filter(object_spec(new[-1]))
                else:
                    self._view.ModifyListView(new, None)
            except FaultError as error:
                self._reopen(error)

    def look(self) -> Iterator[tuple[str, _Info]]:
        """The tasks as they are, without a wait."""
        collector = self._content.propertyCollector
        for row in read_objects(collector, list(self._new), ["info"]):
            info = _Info()
            info.learn("info", row["info"])
            yield row.moid, info

    def wait(self, seconds: int) -> Iterator[tuple[str, _Info]]:
        # In this order: what is added after that finds somebody waiting, and is taken in by who adds it.
        self.waiting = True
        try:
            yield from self._wait(seconds)
        finally:
            self.waiting = False

    def _wait(self, seconds: int) -> Iterator[tuple[str, _Info]]:
        self.take_in()
        with self._lock:
            collector, version = self._collector, self._version
        options = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=seconds)
        try:
            updates = collector.WaitForUpdatesEx(version, options)
        except FaultError as error:
            with self._lock:
                self._reopen(error)
            return
        if updates is None:
            return
        self._version = updates.version
        for filter_update in updates.filterSet:
            for update in filter_update.objectSet:
                key = moid_of(update.obj)
                info = self._known.setdefault(key, _Info())
                for change in update.changeSet:
                    info.learn(change.name, change.val)
                yield key, info

    def _open(self) -> None:
        self._collector, self._version = self._content.propertyCollector.CreatePropertyCollector(), ""
        if self.single:
            # Its last start is what counts: an earlier one has failed.
            self._filter(object_spec(list(self._tasks.values())[-1]))
            return
        self._view = self._content.viewManager.CreateListView(list(self._tasks.values()))
        self._filter(object_spec(self._view, [traversal("tasks", vim.view.ListView, "view")], skip=True))

    def _filter(self, spec: Any) -> None:
        self._collector.CreateFilter(filter_spec([property_spec(vim.Task, ["info"])], [spec]), False)

    def _reopen(self, error: FaultError) -> None:
        """After a new login the collector and the view of the old session are gone."""
        if error.kind != "ManagedObjectNotFound":
            raise error
        self._open()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs jobs: starts them in threads within limits, watches their tasks all at once, and keeps the faults of each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import ConnectionLostError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError, fault_kind
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.job_queue import JobQueue
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.job_run import JobRun, learn, removed, unfinished
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import (
    DEFAULT_TIMEOUT,
    Job,
    JobOutcome,
    Slots,
    TaskLimits,
    Watcher,
    WatchOutcome,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.updates import News, Updates

# Requests that are made at the same time.
_STARTERS = 8
# Faults that say "not now": the job is started again after 0.5, 1, 2, ... s.
_TRANSIENT = frozenset({"TaskInProgress", "ConcurrentAccess"})
_ATTEMPTS = 7
_FIRST_PAUSE = 0.5
# Tasks that start, and news that come, close together are taken in together: each has a request of its own otherwise.
_GATHER_SECONDS = 0.5
_LINGER_MOST = 1.0
_LINGER_SHARE = 0.02  # of how long it has taken so far
# A wait for news is this short while requests without a task are under way: their ends are no news to vCenter.
_BUSY_SECONDS = 1
# After how long checks and searches are looked at: they mostly end at once, and are not worth being watched.
_LOOK_SECONDS = (0.05, 0.3, 1.0, 2.0)


class TaskRunner:
    """Takes jobs and waits at any time between ``with`` and its end; ``wait`` says which are over.

    Jobs start in threads; all else happens in the thread that calls.
    """

    def __init__(
        self,
        updates: Updates,
        report: Callable[[str], None],
        submitted: list[dict[str, str]],
        *,
        limits: TaskLimits,
        wait_seconds: int,
        timeout: float | None = None,
        task_timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """``timeout`` is for all together, ``task_timeout`` for each from its start."""
        self._report = report
        self._submitted = submitted
        self._limits = limits
        self._slots = Slots(limits.total)
        self._timeout = timeout
        self._task_timeout = task_timeout
        self._wait_seconds = wait_seconds
        self._updates = updates
        self._looks: deque[float] = deque()
        # Guards all below. A thread that starts a job notifies it once there is a task to watch, or the start failed.
        self._changed = threading.Condition()
        self._waiting = JobQueue()
        self._starting: list[JobRun] = []
        self._in_flight: dict[str, JobRun] = {}
        self._watches: dict[str, list[WatchOutcome]] = {}
        self._new_watches: list[WatchOutcome] = []
        self._over: list[JobOutcome | WatchOutcome] = []
        self._defect: BaseException | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._began = 0.0
        self._has_news = False
        self._given_up = ""

    def __enter__(self) -> TaskRunner:
        self._began = time.monotonic()
        self._pool = ThreadPoolExecutor(_STARTERS)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop_requests()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._updates.close()

    def run(self, jobs: Sequence[Job]) -> list[JobOutcome]:
        """Run the jobs; return what became of each, in their order."""
        if not any(job.mutates for job in jobs):
            self._looks.extend(_LOOK_SECONDS)
        outcomes = [self.submit(job) for job in jobs]
        while not all(outcome.finished for outcome in outcomes):
            self.wait()
        return outcomes

    def submit(self, job: Job) -> JobOutcome:
        """Have the job started as soon as the limits allow."""
        run = JobRun(job, JobOutcome(job))
        with self._changed:
            self._waiting.add(run)
        return run.outcome

    def watch(self, vm: Any, properties: Sequence[str], watcher: Watcher) -> WatchOutcome:
        """Have properties of a VM watched until the watcher is satisfied or its time is over."""
        outcome = WatchOutcome(vm, properties, watcher)
        self._watches.setdefault(moid_of(vm), []).append(outcome)
        self._new_watches.append(outcome)
        return outcome

    def wait(self) -> list[JobOutcome | WatchOutcome]:
        """Return what is over since the last call, as soon as anything is; nothing: there is nothing left."""
        try:
            while self._outstanding() and not self._over:
                if not self._given_up:
                    self._step()
                if self._defect is not None:
                    raise self._defect
                if self._given_up:
                    self._end_all()
        except ConnectionLostError as error:
            self._updates.abandon()
            self._give_up(error.message)
        except GantryError as error:
            self._give_up(error.message)
        except KeyboardInterrupt:
            self._give_up("interrupted")
        with self._changed:
            over, self._over = self._over, []
        return over

    def _outstanding(self) -> bool:
        with self._changed:
            return bool(self._waiting or self._starting or self._in_flight or self._watches or self._defect)

    def _step(self) -> None:
        deadline = self._deadline()
        if time.monotonic() >= deadline:
            self._given_up = f"not finished within {self._timeout:g} s"
            return
        if self._pool is None:
            raise ValueError("a task runner is used outside of its context")
        for run in self._take():
            self._pool.submit(self._start, run)
        self._watch_new()
        self._observe(deadline)
        self._check_time()

    def _deadline(self) -> float:
        return float("inf") if self._timeout is None else self._began + self._timeout

    def _take(self) -> list[JobRun]:
        """Those that the limits let start now."""
        with self._changed:
            taken = self._waiting.take(self._slots, time.monotonic())
            self._starting.extend(taken)
        return taken

    def _watch_new(self) -> None:
        """One filter for all that are to be watched in the same way from now on."""
        alike: dict[tuple[str, ...], list[WatchOutcome]] = {}
        for outcome in self._new_watches:
            alike.setdefault(tuple(outcome.properties), []).append(outcome)
        self._new_watches = []
        for properties, outcomes in alike.items():
            vms = {moid_of(outcome.vm): outcome.vm for outcome in outcomes}
            watched = self._updates.watch(list(vms.values()), properties)
            for outcome in outcomes:
                outcome.watched = watched

    def _start(self, run: JobRun) -> None:
        """In a thread: make the request, and have the task that it starts watched."""
        try:
            self._request(run)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            with self._changed:
                if run in self._starting:
                    self._ended(run)
                self._defect = error
                self._changed.notify()

    def _request(self, run: JobRun) -> None:
        run.attempts += 1
        run.started = time.monotonic()
        try:
            started = run.job.start()
        except GantryError as error:
            with self._changed:
                self._ended(run)
                self._failed(run, error.cause if isinstance(error, FaultError) else error)
                self._changed.notify()
            return
        with self._changed:
            if run.job.has_task:
                self._started(run, started)
            else:
                self._record(run, "")
                self._ended(run)
                self._succeeded(run, started)
            self._changed.notify()
        if run.job.has_task and self._updates.waiting:
            self._updates.take_in()

    def _started(self, run: JobRun, task: Any) -> None:
        key = moid_of(task)
        run.outcome.task = key
        self._record(run, key)
        self._starting.remove(run)
        self._in_flight[key] = run
        self._updates.add_task(task)
        self._report(f"{run.job}: started as {key}")

    def _record(self, run: JobRun, task: str) -> None:
        if run.job.mutates:
            self._submitted.append({"action": run.job.action, "subject": run.job.subject, "task": task})

    def _observe(self, deadline: float) -> None:
        """Wait until something may have changed, and take in what has."""
        times = self._waiting.times()
        times += [outcome.watcher.deadline for group in self._watches.values() for outcome in group]
        with self._changed:
            times += [run.started + self._task_timeout for run in self._in_flight.values()]
            pause = max(0.0, min([deadline, *times, time.monotonic() + self._wait_seconds]) - time.monotonic())
            if not self._in_flight and not self._watches:
                if (self._starting or self._waiting) and not self._over:
                    self._changed.wait(pause)
                return
            self._changed.wait_for(lambda: not self._starting, min(pause, _GATHER_SECONDS))
            busy = bool(self._starting)
            linger = self._has_news and len(self._in_flight) > 1
            queued = self._waiting.has_line
        if self._looks:
            time.sleep(min(self._looks.popleft(), pause))
            news = list(self._updates.look())
        else:
            if linger:
                time.sleep(self._linger(queued=queued))
            self._has_news = False
            news = self._updates.wait(_BUSY_SECONDS if busy else max(1, round(pause)))
        for one in news:
            self._take_in(one)

    def _linger(self, *, queued: bool) -> float:
        """Return for how long news are gathered: briefly while jobs wait for the end of others, longer at the end."""
        share = 0.0 if queued else _LINGER_SHARE * (time.monotonic() - self._began)
        return max(self._limits.linger, min(_LINGER_MOST, share))

    def _take_in(self, news: News) -> None:
        for outcome in list(self._watches.get(news.moid, ())):
            outcome.values |= news.values
            if news.gone or outcome.watcher.seen(outcome.values):
                self._end_watch(outcome, missed=news.gone)
        with self._changed:
            run = self._in_flight.get(news.moid)
            if run is None:
                return
            self._has_news = True
            if news.gone:
                self._drop(run)
                self._finish(run, removed(run))
                return
            learn(run.info, news.values)
            self._take_in_task(run)

    def _take_in_task(self, run: JobRun) -> None:
        info = run.info
        if info.get("state") not in ("success", "error"):
            if info.get("progress"):
                self._report(f"{run.job}: {info['progress']} %")
            return
        self._drop(run)
        if info["state"] == "success":
            self._succeeded(run, info.get("result"))
        else:
            self._failed(run, info.get("error"))

    def _check_time(self) -> None:
        """End what has taken too long, by itself."""
        now = time.monotonic()
        for outcome in [one for group in self._watches.values() for one in group if now >= one.watcher.deadline]:
            self._end_watch(outcome, missed=True)
        with self._changed:
            late = [run for run in self._in_flight.values() if now >= run.started + self._task_timeout]
            for run in late:
                self._drop(run)
                self._finish(run, unfinished(run, f"not finished within {self._task_timeout:g} s"))

    def _end_watch(self, outcome: WatchOutcome, *, missed: bool) -> None:
        group = self._watches[moid_of(outcome.vm)]
        group.remove(outcome)
        if not group:
            del self._watches[moid_of(outcome.vm)]
        outcome.missed, outcome.finished = missed, True
        self._over.append(outcome)
        watched = outcome.watched
        rest = [one for others in self._watches.values() for one in others]
        if watched is not None and rest and not any(one.watched is watched for one in rest):
            self._updates.unwatch(watched)

    def _drop(self, run: JobRun) -> None:
        """Under the lock: its task is over, or not waited for any longer."""
        del self._in_flight[run.outcome.task]
        self._updates.drop_task(run.outcome.task)
        self._slots.release(run.job)

    def _ended(self, run: JobRun) -> None:
        """Under the lock: the request is over, and no task of it is watched."""
        self._starting.remove(run)
        self._slots.release(run.job)

    def _succeeded(self, run: JobRun, result: Any) -> None:
        run.outcome.result = result
        self._report(f"{run.job}: done")
        self._finish(run, None)

    def _failed(self, run: JobRun, why: Any) -> None:
        """Under the lock: try again later, or settle the outcome. ``why``: a vCenter fault or our error."""
        if not isinstance(why, GantryError):
            if fault_kind(why) in _TRANSIENT and run.attempts < _ATTEMPTS:
                pause = _FIRST_PAUSE * 2 ** (run.attempts - 1)
                self._report(f"{run.job}: {fault_kind(why)}, again in {pause:g} s")
                run.not_before = time.monotonic() + pause
                run.outcome.task = ""
                run.info = {}
                self._waiting.add(run)
                return
            why = FaultError(f"Cannot {run.job}", why)
        self._finish(run, why)

    def _finish(self, run: JobRun, error: GantryError | None) -> None:
        run.outcome.error = error
        if run.outcome.task or error is None:
            run.outcome.seconds = time.monotonic() - run.started
        run.outcome.finished = True
        self._over.append(run.outcome)

    def _give_up(self, why: str) -> None:
        self._given_up = why.rstrip(".")
        self._end_all()

    def _stop_requests(self) -> None:
        """Let the requests end that are under way and can be stopped."""
        with self._changed:
            for run in self._starting:
                if run.job.stop is not None:
                    run.job.stop.set()

    def _end_all(self) -> None:
        """Report for all that is unfinished how far it got."""
        self._stop_requests()
        with self._changed:
            self._changed.wait_for(lambda: not self._starting)
            for run in (*self._in_flight.values(), *self._waiting):
                self._finish(run, unfinished(run, self._given_up))
            self._in_flight.clear()
            self._waiting.clear()
            self._new_watches.clear()
        for outcome in [one for group in self._watches.values() for one in group]:
            outcome.error = GantryError(f"{self._given_up}.")
            outcome.finished = True
            self._over.append(outcome)
        self._watches.clear()

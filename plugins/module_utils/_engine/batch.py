# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply plans: many subjects in parallel, the changes of each in order; a failure stops only dependent subjects.

A handler makes one change of one subject. It is a generator: it yields the requests that it needs one after the other
and is resumed with each one's answer, while the other subjects go on. So a handler reads like a sequence of calls, and
no subject waits for another that is not named in its ``after`` or its ``follows``.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Finished, Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import (
    DONE,
    FAILED,
    NOT_STARTED,
    SubjectResult,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import (
    Job,
    JobOutcome,
    ResourceClaim,
    TaskLimits,
    Watcher,
    WatchOutcome,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.task_runner import TaskRunner

# At most so many items in one gathered request.
_GATHER_MOST = 500


@dataclass
class Subject:
    """One object to change, such as a container.

    ``after``: the ids of subjects that must be done before it starts. ``follows``: of those of which ``tolerated`` may
    also have failed, None for all, which then need not even have been started.
    """

    id: str
    name: str
    changes: Sequence[Any]
    after: frozenset[str] = frozenset()
    follows: frozenset[str] = frozenset()
    tolerated: int | None = None


@dataclass(frozen=True)
class Gather:
    """A request that is made once for all that need the same kind of it at a time; each gets the whole answer.

    ``make`` takes the items of those whose keys are equal. ``single``: while such a request is under way, no other one
    is made; those who ask meanwhile share the next.
    """

    key: Hashable
    item: Any
    make: Callable[[list[Any]], Job]
    most: int = _GATHER_MOST
    single: bool = False


@dataclass(frozen=True)
class Watch:
    """Wait until the watcher is satisfied with the VM's properties. The answer is whether it was in its time."""

    vm: Any
    properties: Sequence[str]
    watcher: Watcher


@dataclass(frozen=True)
class Attempt:
    """A job whose failure is an answer: it is resumed with the JobOutcome."""

    job: Job


Request: TypeAlias = "Job | Attempt | Gather | Watch"
T = TypeVar("T")
# A running handler: it yields requests, and is resumed with a job's result or with a raised GantryError.
Flow: TypeAlias = Generator[Request, Any, T]
S = TypeVar("S", bound=Subject)


@dataclass(frozen=True)
class Kind(Generic[S]):
    """How changes of one type are made, and how many of their requests may be under way at a time."""

    handler: Callable[[S, Any], Flow[None]]
    limit: int | None = None


@dataclass(eq=False)
class _Run(Generic[S]):
    """The progress of one subject."""

    subject: S
    blocked_by: set[str]
    made: int = 0  # changes
    began: float = 0.0
    flow: Flow[None] | None = None
    request: Request | None = None
    status: str = ""
    error: GantryError | None = None
    # How many of those that it follows have failed.
    failed_before: int = 0

    @property
    def change(self) -> Any:
        return self.subject.changes[self.made]


@dataclass(eq=False)
class _Answer:
    """The value or the error that a flow is resumed with."""

    value: Any = None
    error: GantryError | None = None


def _explain(_change: Any, error: GantryError) -> GantryError:
    return error


class Batch(Generic[S]):
    """One run of many subjects. ``kinds``: by the type of the changes."""

    def __init__(
        self,
        session: Session,
        report: Report,
        kinds: Mapping[type[Any], Kind[S]],
        *,
        explain: Callable[[Any, GantryError], GantryError] = _explain,
        limits: TaskLimits | None = None,
        timeout: float | None = None,
    ) -> None:
        """``explain`` adds to an error what was being done. ``timeout`` is for all together."""
        self._session = session
        self._report = report
        self._kinds = kinds
        self._explain = explain
        self._limits = limits or TaskLimits()
        self._timeout = timeout
        self._runs: dict[str, _Run[S]] = {}
        self._done = 0
        # How many subjects of each name are not done, and how long the others took: they may be parts of one object.
        self._left = Counter[str]()
        self._seconds = defaultdict[str, float](float)
        # Those that come after a subject, and those that only follow it, by its id.
        self._dependents: dict[str, list[_Run[S]]] = {}
        self._followers: dict[str, list[_Run[S]]] = {}
        # Without an answer: a subject that may begin.
        self._ready: deque[tuple[_Run[S], _Answer | None]] = deque()
        self._asking: list[_Run[S]] = []
        self._gathers: dict[Hashable, list[_Run[S]]] = {}
        self._pending: dict[JobOutcome | WatchOutcome, list[_Run[S]]] = {}
        # The gathered requests under way of which there is only one at a time, with their keys.
        self._single: dict[JobOutcome | WatchOutcome, Hashable] = {}

    def run(self, subjects: Sequence[S]) -> list[SubjectResult]:
        """Make the changes; return what became of each subject, in their order. Raises for no subject's failure."""
        self._enter(subjects)
        with self._session.tasks(
            self._report, limits=self._limits, timeout=self._timeout, single=len(subjects) == 1
        ) as runner:
            for run in [run for run in self._runs.values() if not run.blocked_by]:
                self._begin_change(run)
            self._go_on(runner)
            while self._pending:
                over = runner.wait()
                if not over:
                    raise ValueError("the batch waits for requests that nobody makes")
                for outcome in over:
                    self._answer(outcome, self._pending.pop(outcome))
                self._go_on(runner)
        return [
            SubjectResult(
                run.subject.name,
                run.status,
                tuple(change.describe() for change in run.subject.changes[: run.made]),
                run.error,
            )
            for run in self._runs.values()
        ]

    # -- the order between subjects

    def _enter(self, subjects: Sequence[S]) -> None:
        for subject in subjects:
            if subject.id in self._runs:
                raise ValueError(f"the batch has two subjects {subject.id}")
            self._runs[subject.id] = _Run(subject, set(subject.after | subject.follows))
            self._left[subject.name] += 1
        for run in self._runs.values():
            for before in run.blocked_by:
                if before not in self._runs:
                    raise ValueError(f"{run.subject.name} comes after {before}, which is not in the batch")
                waiting = self._dependents if before in run.subject.after else self._followers
                waiting.setdefault(before, []).append(run)
        _refuse_circles(self._runs)

    def _end(self, run: _Run[S], error: GantryError | None = None) -> None:
        """End a subject that is done or has failed; start or skip the subjects that come after it."""
        run.flow, run.error = None, error
        run.status = DONE if error is None else FAILED
        if error is not None:
            self._report(f"{run.subject.name}: {error.message}")
            self._skip_dependents(run)
        else:
            self._report_done(run)
        self._release(run, self._followers.get(run.subject.id, ()))
        if error is None:
            self._release(run, self._dependents.get(run.subject.id, ()))

    def _release(self, run: _Run[S], waiting: Iterable[_Run[S]]) -> None:
        """Let those that wait for a subject no longer wait for it."""
        for one in waiting:
            one.blocked_by.discard(run.subject.id)
            if not one.blocked_by and not one.status:
                self._ready.append((one, None))

    def _report_done(self, run: _Run[S]) -> None:
        """Report an object of which this was the last part."""
        name = run.subject.name
        self._seconds[name] += time.monotonic() - run.began
        self._left[name] -= 1
        if not self._left[name]:
            self._done += 1
            self._report(Finished(name, self._seconds[name], f"{self._done} of {len(self._left)}"))

    def _skip_dependents(self, failed: _Run[S]) -> None:
        """Skip those that come after a subject that failed, and all that wait for one that is skipped."""
        blocking = deque([failed])
        while blocking:
            before = blocking.popleft()
            what = "failed" if before.status == FAILED else "was not started"
            for skipped in (*self._dependents.get(before.subject.id, ()), *self._not_tolerating(before)):
                if not skipped.status:
                    skipped.status = NOT_STARTED
                    name = skipped.subject.name
                    skipped.error = GantryError(
                        f"{name} was not started: it comes after {before.subject.name}, which {what}."
                    )
                    blocking.append(skipped)
            if before.status == NOT_STARTED:
                self._release(before, self._followers.get(before.subject.id, ()))

    def _not_tolerating(self, before: _Run[S]) -> list[_Run[S]]:
        """Return those that follow a subject, and do not tolerate that it has failed, too, or was not started."""
        followers = [run for run in self._followers.get(before.subject.id, ()) if run.subject.tolerated is not None]
        if before.status == NOT_STARTED:
            return followers
        for run in followers:
            run.failed_before += 1
        return [run for run in followers if run.failed_before > (run.subject.tolerated or 0)]

    # -- the changes of one subject

    def _begin_change(self, run: _Run[S]) -> None:
        """Begin with its next change; a subject that has none left is done."""
        if not run.made:
            run.began = time.monotonic()
        if run.made == len(run.subject.changes):
            self._end(run)
            return
        change = run.change
        self._report(change.describe())
        run.flow = self._kinds[type(change)].handler(run.subject, change)
        self._ready.append((run, _Answer()))

    def _resume(self, run: _Run[S], answer: _Answer) -> None:
        """Let its handler go on to the next request, or to its end."""
        if run.flow is None:
            raise ValueError(f"{run.subject.name} is resumed without a change under way")
        try:
            run.request = run.flow.send(answer.value) if answer.error is None else run.flow.throw(answer.error)
        except StopIteration:
            run.made += 1
            self._begin_change(run)
        except GantryError as error:
            self._end(run, self._explain(run.change, error))
        else:
            self._asking.append(run)

    # -- the requests

    def _go_on(self, runner: TaskRunner) -> None:
        """Resume all that have an answer, and make the requests that they have then."""
        while self._ready:
            run, answer = self._ready.popleft()
            if answer is None:
                self._begin_change(run)
            else:
                self._resume(run, answer)
        asking, self._asking = self._asking, []
        for run in asking:
            self._ask(runner, run)
        gathers, self._gathers = self._gathers, {}
        for key, runs in gathers.items():
            if key in self._single.values():
                self._gathers[key] = runs
            else:
                self._submit_gathered(runner, key, runs)

    def _ask(self, runner: TaskRunner, run: _Run[S]) -> None:
        request = run.request
        if isinstance(request, Gather):
            self._gathers.setdefault((type(run.change), request.key), []).append(run)
        elif isinstance(request, Watch):
            self._pending[runner.watch(request.vm, request.properties, request.watcher)] = [run]
        elif isinstance(request, Attempt):
            self._submit(runner, request.job, [run])
        elif isinstance(request, Job):
            self._submit(runner, request, [run])
        else:
            raise TypeError(f"{request!r} is no request")

    def _submit_gathered(self, runner: TaskRunner, key: Hashable, runs: list[_Run[S]]) -> None:
        """Make one request for all of them, or a few where that would be too much at once."""
        limit = self._kinds[type(runs[0].change)].limit
        most = min([_gather_of(run).most for run in runs] + ([limit] if limit is not None else []))
        for start in range(0, len(runs), most):
            some = runs[start : start + most]
            outcome = self._submit(runner, _gather_of(some[0]).make([_gather_of(run).item for run in some]), some)
            if _gather_of(some[0]).single:
                self._single[outcome] = key

    def _submit(self, runner: TaskRunner, job: Job, runs: list[_Run[S]]) -> JobOutcome:
        kind = type(runs[0].change)
        limit = self._kinds[kind].limit
        if limit is not None and job.mutates:
            job = replace(job, claims=(*job.claims, ResourceClaim(f"kind {kind.__name__}", len(runs), limit)))
        outcome = runner.submit(job)
        self._pending[outcome] = runs
        return outcome

    def _answer(self, outcome: JobOutcome | WatchOutcome, runs: list[_Run[S]]) -> None:
        self._single.pop(outcome, None)
        if isinstance(outcome, JobOutcome) and len(runs) > 1 and _was_refused(outcome):
            # One of them may be the reason: what was refused as a whole is asked for each alone.
            for run in runs:
                self._gathers[run.subject.id] = [run]
            return
        for run in runs:
            self._ready.append((run, _answer_of(outcome, run.request)))


def _gather_of(run: _Run[Any]) -> Gather:
    if not isinstance(run.request, Gather):
        raise TypeError(f"{run.subject.name} does not wait for a gathered request")
    return run.request


def _was_refused(outcome: JobOutcome) -> bool:
    """Whether nothing of it was done: it only reads, or vCenter refused to start it."""
    if outcome.error is None:
        return False
    return not outcome.job.mutates or (isinstance(outcome.error, FaultError) and not outcome.task)


def _answer_of(outcome: JobOutcome | WatchOutcome, request: Request | None) -> _Answer:
    if isinstance(outcome, WatchOutcome):
        return _Answer(not outcome.missed, outcome.error)
    if isinstance(request, Attempt):
        return _Answer(outcome)
    return _Answer(outcome.result, outcome.error)


def _refuse_circles(runs: Mapping[str, _Run[Any]]) -> None:
    """Raise where subjects wait for one another, so that none of them could begin."""
    left = {key: set(run.blocked_by) for key, run in runs.items()}
    free = [key for key, before in left.items() if not before]
    followers: dict[str, list[str]] = {}
    for key, before in left.items():
        for one in before:
            followers.setdefault(one, []).append(key)
    while free:
        key = free.pop()
        del left[key]
        for follower in followers.get(key, ()):
            left[follower].discard(key)
            if not left[follower]:
                free.append(follower)
    if left:
        names = ", ".join(sorted(runs[key].subject.name for key in left))
        raise GantryError(f"These wait for one another, so that none of them can begin: {names}.")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and vCenter tasks as data: jobs, their outcomes, and the limits of how many run in parallel."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.updates import Watched

DEFAULT_TIMEOUT = 3600.0


@dataclass(frozen=True)
class TaskLimits:
    """How many jobs run in parallel, whatever they claim.

    ``linger`` is the delay in seconds before updates are requested, so that one response has more of them.
    """

    total: int = 64
    linger: float = 0.05


@dataclass(frozen=True)
class ResourceClaim:
    """A job's share of a resource that jobs share: all claims together never exceed ``limit``."""

    resource: str
    amount: int
    limit: int


@dataclass(frozen=True)
class Job:
    """One request to be made: ``action`` ("power on") done to ``subject`` ("web"), made by the call of ``start``.

    It is over when the task is that ``start`` returns; or, if it has no task, when ``start`` returns the result.
    One that does not mutate, such as a search, is not recorded as submitted. ``stop`` is set when the run ends early
    while ``start`` is under way: a long request looks at it.
    """

    subject: str
    action: str
    start: Callable[[], Any]
    mutates: bool = True
    claims: tuple[ResourceClaim, ...] = ()
    has_task: bool = True
    stop: threading.Event | None = None

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


@dataclass(eq=False)
class JobOutcome:
    """The outcome of a job. Only a job that was started has a task."""

    job: Job
    result: Any = None
    error: GantryError | None = None
    task: str = ""
    seconds: float | None = None  # from its start to its end, if it has ended
    finished: bool = False


class Watcher(Protocol):
    """A condition on the properties of one VM, with a deadline."""

    # By time.monotonic; may be changed by ``seen``.
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        """Take in the properties as they are now; return whether the wait is over."""


@dataclass(eq=False)
class WatchOutcome:
    """What became of a wait: ``missed`` is that the time was over first, or that the VM was removed."""

    vm: Any
    properties: Sequence[str]
    watcher: Watcher
    missed: bool = False
    error: GantryError | None = None
    finished: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    watched: Watched | None = None


def read_job(what: str, read: Callable[[], Any], *, claims: tuple[ResourceClaim, ...] = ()) -> Job:
    """Return the job of a request that changes nothing and has no task."""
    return Job(what, "read", read, mutates=False, claims=claims, has_task=False)


class Slots:
    """Counts running jobs against the limits."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._running = 0
        self._claimed = Counter[str]()

    @property
    def full(self) -> bool:
        return self._running >= self._total

    def fits(self, job: Job) -> bool:
        """Return whether the limits allow the job now. A job that claims more than the limit runs alone."""
        return not self.full and all(
            not self._claimed[claim.resource] or self._claimed[claim.resource] + claim.amount <= claim.limit
            for claim in job.claims
        )

    def take(self, job: Job) -> None:
        self._running += 1
        for claim in job.claims:
            self._claimed[claim.resource] += claim.amount

    def release(self, job: Job) -> None:
        self._running -= 1
        for claim in job.claims:
            self._claimed[claim.resource] -= claim.amount

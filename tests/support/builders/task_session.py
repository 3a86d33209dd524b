# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session whose tasks end in an order that the test chooses: the real task runner with simulated updates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter import task_runner
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.task_runner import TaskRunner
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import TaskLimits
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.updates import News, Updates, Watched


class Inline(Executor):
    """An executor that runs submitted calls immediately in the calling thread."""

    def __init__(self, _workers: int) -> None:
        pass

    def submit(self, call: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(call(*args, **options))
        return done


@dataclass(eq=False)
class Running:
    """A running task with a label; it ends with the result or the fault."""

    moid: str
    label: str
    result: Any = None
    fault: Any = None


@dataclass
class TaskSession:
    """The parts of a session that a batch needs. ``choose`` picks the running task that ends next."""

    choose: Callable[[int], int] = lambda _count: 0
    limits: TaskLimits = field(default_factory=lambda: TaskLimits(linger=0.0))
    submitted: list[dict[str, str]] = field(default_factory=list)
    running: dict[str, Running] = field(default_factory=dict)
    most: Counter[str] = field(default_factory=Counter)
    most_in_all: int = 0
    waits: int = 0
    # The errors that waits for updates raise, by the number of the wait.
    interrupts: dict[int, BaseException] = field(default_factory=dict)
    # The property updates of VMs, in order.
    properties: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @contextmanager
    def tasks(
        self, report: Callable[[str], None], *, limits: TaskLimits, timeout: float | None, single: bool
    ) -> Iterator[TaskRunner]:
        with TaskRunner(
            _MadeUp(self), report, self.submitted, limits=limits, timeout=timeout, wait_seconds=1
        ) as runner:
            yield runner

    def start(self, label: str, *, result: Any = None, fault: Any = None) -> Any:
        """Start a task."""
        task = vim.Task(f"task-{len(self.submitted)}-{label}")
        self.running[moid_of(task)] = Running(moid_of(task), label, result, fault)
        self.most |= Counter(one.label for one in self.running.values())
        self.most_in_all = max(self.most_in_all, len(self.running))
        return task


class _MadeUp(Updates):
    """Simulated updates: each wait ends one task or reports one property of a VM."""

    def __init__(self, session: TaskSession) -> None:
        super().__init__(None, leave_no_trace=True, single=False)
        self._session = session
        self._vms: list[str] = []

    def take_in(self) -> None:
        pass

    def watch(self, objects: Sequence[Any], properties: Sequence[str]) -> Watched:
        self._vms += [moid_of(one) for one in objects]
        return Watched(objects, properties)

    def unwatch(self, watched: Watched) -> None:
        pass

    def wait(self, _seconds: int) -> list[News]:
        session = self._session
        session.waits += 1
        if session.waits in session.interrupts:
            raise session.interrupts[session.waits]
        updated = [moid for moid in self._vms if session.properties.get(moid)]
        choices = [*session.running, *updated]
        chosen = choices[session.choose(len(choices))]
        if chosen in session.running:
            task = session.running.pop(chosen)
            state = "success" if task.fault is None else "error"
            info = SimpleNamespace(state=state, progress=None, result=task.result, error=task.fault)
            return [News(chosen, {"info": info})]
        return [News(chosen, session.properties[chosen].pop(0))]


@pytest.fixture(autouse=True)
def inline_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_runner, "ThreadPoolExecutor", Inline)


def refused(message: str) -> Callable[[], Any]:
    def start() -> Any:
        raise GantryError(message)

    return start

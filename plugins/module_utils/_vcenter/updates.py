# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Property updates of tasks and other objects, by one own property collector for everything that is waited for.

The collector is a new one because the session may be shared with other processes, which must not get these updates.
vCenter pushes the changes; nothing is polled.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import (
    filter_spec,
    object_spec,
    property_spec,
    read_objects,
    traversal,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim, vmodl
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.task_history import ended_tasks


@dataclass(frozen=True)
class News:
    """The properties of one object that have changed; ``gone``: it was removed and is no longer watched.

    A task that was removed has the properties of its end, if the history of tasks has them.
    """

    moid: str
    values: dict[str, Any] = field(default_factory=dict)
    gone: bool = False


@dataclass(eq=False)
class Watched:
    """Objects of one type that are watched together; ``filter`` is vCenter's, created again after each login."""

    objects: Sequence[Any]
    properties: Sequence[str]
    filter: Any = None


class Updates:
    """One list view of the tasks, and filters over it and over other objects.

    Tasks may be added while ``wait`` waits; all other methods are for the waiting thread only. With ``single`` there is
    one task at a time, which needs no list view: each gets its own filter.
    """

    def __init__(self, content: Any, *, leave_no_trace: bool, single: bool) -> None:
        """Set up; ``leave_no_trace`` is for a session that is not logged out soon, which would also clean up."""
        self._content = content
        self._leave_no_trace = leave_no_trace
        self._single = single
        self.waiting = False
        self._lock = threading.Lock()
        self._new: deque[Any] = deque()
        self._over: deque[Any] = deque()
        self._tasks: dict[str, Any] = {}
        self._removed: list[str] = []
        self._watched: list[Watched] = []
        self._view: Any = None
        self._collector: Any = None
        self._version = ""

    def close(self) -> None:
        """Remove the collector and the view; vCenter drops both with the session at the latest."""
        if not self._leave_no_trace:
            return
        with self._lock, contextlib.suppress(GantryError):
            if self._collector is not None:
                self._collector.DestroyPropertyCollector()
            if self._view is not None:
                self._view.DestroyView()

    def abandon(self) -> None:
        """Leave the cleanup to vCenter: it does not respond, and each request would wait for its time-out again."""
        self._collector = self._view = None

    def add_task(self, task: Any) -> None:
        """Watch the task from the next wait on, or from the next take_in() if a wait is running."""
        self._new.append(task)

    def drop_task(self, task: str) -> None:
        """Drop a finished task. It leaves the list view when another task is added, so this needs no request."""
        with self._lock:
            ref = self._tasks.pop(task, None)
            if ref is not None:
                self._over.append(ref)

    def take_in(self) -> None:
        """Watch the tasks that were added since the last call."""
        with self._lock:
            new = [self._new.popleft() for _index in range(len(self._new))]
            self._tasks.update({moid_of(task): task for task in new})
            if self._collector is None:
                self._open()
            elif new:
                self._retried(lambda: self._add(new))

    def watch(self, objects: Sequence[Any], properties: Sequence[str]) -> Watched:
        """Watch properties of objects of one type."""
        with self._lock:
            watched = Watched(objects, properties)
            self._watched.append(watched)
            if self._collector is not None:
                self._retried(lambda: self._filter_objects(watched))
            return watched

    def unwatch(self, watched: Watched) -> None:
        with self._lock:
            self._watched.remove(watched)
            if watched.filter is not None:
                with contextlib.suppress(FaultError):  # it was removed with an old session
                    watched.filter.DestroyPropertyFilter()

    def look(self) -> Iterator[News]:
        """Yield the added tasks in their current state, without waiting."""
        for row in read_objects(self._content.propertyCollector, list(self._new), ["info"]):
            yield News(row.moid, dict(row))

    def wait(self, seconds: int) -> list[News]:
        # In this order: a task that is added afterwards sees that a thread waits, and the adding thread takes it in.
        self.waiting = True
        try:
            return list(self._wait(seconds))
        finally:
            self.waiting = False

    def _wait(self, seconds: int) -> Iterator[News]:
        self.take_in()
        with self._lock:
            collector, version = self._collector, self._version
            removed, self._removed = self._removed, []
        if removed:
            yield from self._ended(removed)
            return
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
        removed = []
        for filter_update in updates.filterSet:
            for update in filter_update.objectSet:
                values = {change.name: _plain(change.val) for change in update.changeSet or ()}
                if update.kind == "leave":
                    removed.append(moid_of(update.obj))
                else:
                    yield News(moid_of(update.obj), values)
            removed += [moid_of(missing.obj) for missing in filter_update.missingSet or ()]
        yield from self._ended(removed)

    def _ended(self, removed: Sequence[str]) -> Iterator[News]:
        """Yield the news of objects that were removed. vCenter removes a task some minutes after its end."""
        tasks = [moid for moid in removed if moid in self._tasks]
        found = ended_tasks(self._content, tasks) if tasks else {}
        for moid in removed:
            info = found.get(moid)
            yield News(moid, gone=True) if info is None else News(moid, {"info": info})

    def _open(self) -> None:
        self._collector, self._version = self._content.propertyCollector.CreatePropertyCollector(), ""
        self._view = None
        self._over.clear()
        tasks = [task for moid, task in self._tasks.items() if moid not in self._removed]
        if tasks:
            # With one task at a time only the last one counts: earlier ones have ended.
            self._add(tasks[-1:] if self._single else tasks)
        for watched in self._watched:
            self._filter_objects(watched)

    def _add(self, tasks: list[Any]) -> None:
        if self._single:
            for task in tasks:
                self._create_filter(vim.Task, ["info"], [object_spec(task)])
        elif self._view is None:
            self._view = self._content.viewManager.CreateListView(tasks)
            listed = object_spec(self._view, [traversal("tasks", vim.view.ListView, "view")], skip=True)
            self._create_filter(vim.Task, ["info"], [listed])
        else:
            over = [self._over.popleft() for _index in range(len(self._over))]
            self._view.ModifyListView(tasks, over or None)

    def _filter_objects(self, watched: Watched) -> None:
        specs = [object_spec(ref) for ref in watched.objects]
        watched.filter = self._create_filter(type(watched.objects[0]), watched.properties, specs)

    def _create_filter(self, kind: Any, properties: Sequence[str], objects: Sequence[Any]) -> Any:
        return self._collector.CreateFilter(filter_spec([property_spec(kind, properties)], objects), False)

    def _retried(self, call: Any) -> None:
        try:
            call()
        except FaultError as error:
            self._reopen(error)

    def _reopen(self, error: FaultError) -> None:
        """Create the collector and the view again after a new login, which has removed those of the old session."""
        if error.kind != "ManagedObjectNotFound":
            raise error
        self._leave_removed_tasks()
        self._open()

    def _leave_removed_tasks(self) -> None:
        """Leave out tasks that vCenter has removed meanwhile: it refuses a list view with one of them."""
        rows = read_objects(self._content.propertyCollector, list(self._tasks.values()), ["info.state"])
        left = {row.moid for row in rows}
        self._removed += [moid for moid in self._tasks if moid not in left]


def _plain(value: Any) -> Any:
    # A key of extraConfig is an OptionValue. For a managed object, "value" would be a request.
    return value.value if isinstance(value, vim.option.OptionValue) else value

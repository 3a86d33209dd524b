# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of tasks, which still has a task when vCenter has removed the task itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim

# The most that a collector returns at once, and after how many of the newest tasks of all users the search is given up.
_PAGE = 1000
_PAGES = 10


def ended_tasks(content: Any, tasks: Sequence[str]) -> dict[str, Any]:
    """Return the TaskInfo of each of these tasks that has ended, by MoID, as far as the history has them."""
    wanted = set(tasks)
    found: dict[str, Any] = {}
    with contextlib.suppress(FaultError):  # a task without an outcome is reported as such
        for page in _newest_first(content):
            found.update({moid_of(info.task): info for info in page if moid_of(info.task) in wanted})
            if len(found) == len(wanted):
                break
    return found


def _newest_first(content: Any) -> Iterator[Sequence[Any]]:
    collector = content.taskManager.CreateCollectorForTasks(vim.TaskFilterSpec(state=["success", "error"]))
    try:
        collector.SetCollectorPageSize(_PAGE)
        yield collector.latestPage
        collector.ResetCollector()  # to the task before the latest page
        for _number in range(_PAGES):
            page = collector.ReadPreviousTasks(_PAGE)
            if not page:
                return
            yield page
    finally:
        with contextlib.suppress(GantryError):
            collector.DestroyCollector()

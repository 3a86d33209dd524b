# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks in this process, without Ansible, and return the result of each as a run of a playbook does.

Called as PlaybookRunner is, so that a test changes only its fixture. A task takes a fraction of a second instead of
seconds, and has what a task has there: validated options, the connection from the environment, and a session of its
way of running.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import SessionSource
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session
from ansible_collections.gantry.vsphere.plugins.plugin_utils import sessions
from tests.support.lab.drive import drive
from tests.support.lab.playbook import Run, TaskResult, Way, task_environment

_PREFIX = "gantry.vsphere."
# Anything else that a task says is Ansible's to do: such a test needs a playbook.
_KEYWORDS = {"name", "check_mode", "diff", "ignore_errors"}
_EXIT_CODE_OF_A_FAILURE = 2


@dataclass(frozen=True)
class DirectRunner:
    """Runs tasks against one vCenter, with a home directory of its own."""

    home: Path
    connection: Mapping[str, str]  # the VMWARE_* variables

    def __call__(
        self,
        tasks: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        *,
        way: Way = "action",
        check: bool = False,
        diff: bool = False,
        environment: Mapping[str, str | None] | None = None,
    ) -> Run:
        """Run one task or several, up to the first that fails without ``ignore_errors``.

        ``environment`` with None takes a variable away.
        """
        outcomes: list[TaskResult] = []
        with patch.dict(os.environ, task_environment(self.home, self.connection, environment or {}), clear=True):
            for task in [tasks] if isinstance(tasks, Mapping) else tasks:
                outcomes.append(_run(task, way, check=check, diff=diff))
                if outcomes[-1].failed and not task.get("ignore_errors", False):
                    break
        failed = bool(outcomes) and outcomes[-1].failed and not task.get("ignore_errors", False)
        output = "\n".join(f"{outcome.name}: {json.dumps(outcome.result)}" for outcome in outcomes)
        return Run(_EXIT_CODE_OF_A_FAILURE if failed else 0, output, tuple(outcomes))


def _run(task: Mapping[str, Any], way: Way, *, check: bool, diff: bool) -> TaskResult:
    (module,) = task.keys() - _KEYWORDS
    if not module.startswith(_PREFIX):
        raise AssertionError(f"only modules of {_PREFIX}* and {sorted(_KEYWORDS)} can be run directly: {task}")
    with _session_source(way) as session_source:
        result = drive(
            module.removeprefix(_PREFIX),
            task[module],
            check=task.get("check_mode", check),
            diff=task.get("diff", diff),
            session_source=session_source,
        )
    # Ansible passes results on as JSON.
    plain: dict[str, Any] = json.loads(json.dumps(result))
    return TaskResult(task.get("name", module), "failed" if plain.get("failed") else "ok", plain)


@contextmanager
def _session_source(way: Way) -> Iterator[SessionSource]:
    """Log in and out as a module's process does, or use the session on disk of the task before as a worker does."""
    if way == "module":
        yield open_session
        return
    yield sessions.session_source(on_disk=True)
    while sessions._KEPT:
        _settings, session = sessions._KEPT.popitem()
        session.close()

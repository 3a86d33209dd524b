# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tasks with the real ansible-playbook and return the result of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
COLLECTIONS = HERE.parents[1] / "integration" / "collections"
CALLBACKS = HERE / "callback"
# These make the processes of Ansible shorter, and change nothing else.
_SHORTENING = "bytecode,garbage"
# The ansible-playbook of the environment that runs the tests.
PROGRAM = Path(sys.executable).parent / "ansible-playbook"

Way = Literal["module", "action"]
WAYS: tuple[Way, ...] = ("module", "action")


@dataclass(frozen=True)
class TaskResult:
    """The result of one task, or of one item of its loop, on one host."""

    name: str
    status: str  # ok, failed, skipped, unreachable
    result: dict[str, Any]
    items: tuple[TaskResult, ...] = ()

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        return str(self.result.get("msg", ""))

    def __getitem__(self, key: str) -> Any:
        return self.result[key]


@dataclass(frozen=True)
class Run:
    """One run of tasks."""

    code: int
    output: str
    outcomes: tuple[TaskResult, ...]

    @property
    def last(self) -> TaskResult:
        if not self.outcomes:
            raise AssertionError(f"no task returned anything:\n{self.output}")
        return self.outcomes[-1]

    def task(self, name: str) -> TaskResult:
        found = [outcome for outcome in self.outcomes if outcome.name == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} tasks are named {name!r}:\n{self.output}")
        return found[0]

    def ok(self) -> Run:
        """Assert that nothing failed and return this run."""
        if self.code != 0:
            raise AssertionError(f"the run ended with {self.code}:\n{self.output}")
        return self


@dataclass
class PlaybookRunner:
    """Runs tasks against one vCenter, with its own home directory."""

    home: Path
    connection: Mapping[str, str]  # the VMWARE_* variables
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        """Return the directory of cached sessions."""
        return self.home / "cache" / "gantry.vsphere" / "sessions"

    def __call__(
        self,
        tasks: Sequence[Mapping[str, Any]] | Mapping[str, Any] | Path,
        *,
        way: Way | None = "action",
        check: bool = False,
        diff: bool = False,
        extra_vars: Mapping[str, Any] | None = None,
        environment: Mapping[str, str | None] | None = None,
        verbosity: int = 0,
        play: Mapping[str, Any] | None = None,
        inventory: str = "localhost,",
        arguments: Sequence[str] = (),
        timeout: float = 240,
    ) -> Run:
        """Run one task, several tasks, or the playbook at a path.

        With ``way`` None the tasks select how they run. A value of None in ``environment`` unsets a variable.
        """
        playbook = tasks if isinstance(tasks, Path) else self._playbook(tasks, play or {})
        results = self.home / "results.jsonl"
        results.unlink(missing_ok=True)
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            **({} if way is None else {"gantry_run_as_module": way == "module"}),
            **self.variables,
            **(extra_vars or {}),
        }
        command = [str(PROGRAM), "-i", inventory, "-e", json.dumps(variables), *arguments, str(playbook)]
        command += ["--check"] * check + ["--diff"] * diff + ["-" + "v" * verbosity] * bool(verbosity)
        try:
            process = subprocess.run(
                command,
                env=ansible_environment(self.home, self.connection, {**_reporting(results), **(environment or {})}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            output = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout
            raise AssertionError(f"ansible-playbook did not end within {timeout:g} s:\n{output}") from error
        return Run(process.returncode, process.stdout, tuple(_outcomes(results)))

    def _playbook(self, tasks: Sequence[Mapping[str, Any]] | Mapping[str, Any], play: Mapping[str, Any]) -> Path:
        listed = [tasks] if isinstance(tasks, Mapping) else list(tasks)
        path = self.home / "playbook.yml"
        whole = {"hosts": "all", "gather_facts": False, **play, "tasks": listed}
        path.write_text(json.dumps([whole], indent=2))  # JSON is YAML
        return path


def ansible_environment(
    home: Path, connection: Mapping[str, str], changes: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """Return the environment for a program of Ansible with a home directory of its own. None removes a variable."""
    ansible = {
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": _SHORTENING,
    }
    (home / "ansible.cfg").touch()
    return task_environment(home, ansible, connection, changes or {})


def _reporting(results: Path) -> dict[str, str | None]:
    """Return the variables that make Ansible write the result of each task to a file."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": f"{_SHORTENING},results",
        "ANSIBLE_INJECT_INVOCATION": "1",
        "GANTRY_RESULTS": str(results),
    }


def task_environment(home: Path, *variables: Mapping[str, str | None]) -> dict[str, str]:
    """Return a task's environment, without the machine's settings of Ansible or a vCenter. None removes a variable."""
    environment: dict[str, str | None] = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "VMWARE_", "GANTRY_", "XDG_"))
    }
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    for more in variables:
        environment |= more
    return {name: value for name, value in environment.items() if value is not None}


def twice(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the task as a module and as an action, for ``play`` with ``way=None``."""
    return [one_way({**task, "ignore_errors": True}, way) for way in WAYS]


def one_way(task: Mapping[str, Any], way: Way) -> dict[str, Any]:
    return {**task, "vars": {**task.get("vars", {}), "gantry_run_as_module": way == "module"}}


def same(outcomes: Sequence[TaskResult]) -> TaskResult:
    """Return the result of a task that was run ``twice``, and assert that both results are the same."""
    module, action = outcomes
    assert action.status == module.status, (module.result, action.result)
    assert action.result == module.result
    return action


def run_both_ways(play: PlaybookRunner, tasks: Sequence[dict[str, Any]], /, **options: Any) -> list[TaskResult]:
    """Play each task both ways, all in one run, and check that both return the same, which is what it returns."""
    outcomes = play([one for task in tasks for one in twice(task)], way=None, **options).outcomes
    assert len(outcomes) == 2 * len(tasks)
    return [same(outcomes[start : start + 2]) for start in range(0, len(outcomes), 2)]


def _outcomes(results: Path) -> list[TaskResult]:
    """Parse the callback's lines, in which a task's items precede the task."""
    if not results.exists():
        return []
    outcomes: list[TaskResult] = []
    items: dict[tuple[str, str], list[TaskResult]] = {}
    for line in results.read_text().splitlines():
        event = json.loads(line)
        outcome = TaskResult(event["name"], event["status"], event["result"])
        key = (event["task"], event["host"])
        if event["item"]:
            items.setdefault(key, []).append(outcome)
        else:
            outcomes.append(TaskResult(outcome.name, outcome.status, outcome.result, tuple(items.pop(key, ()))))
    return outcomes

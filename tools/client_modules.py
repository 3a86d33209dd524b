# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules of community.vmware and vmware.vmware against the lab's vCenter: clients that its authors did not write.

python -m tools.client_modules [GROUP ...]     the groups by name (guests, hosts); without names, all

The tasks are those of tests/clients/tasks/<group>.yml. Each is run twice, except those that only gather information.
What they are expected to do is in tests/clients/expected.toml, with a reason for each that does not work. A task that
does anything else fails the run, also one that works although it is not expected to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
import yaml

from devkit.console import CACHE, ROOT, ToolError, main_guard, say, step
from lab.connection import connection_environment
from lab.controller import Lab
from tools import environment, parity, pythons
from tools.runners import Counts, report

FOLDER = ROOT / "tests" / "clients"
EXPECTED = FOLDER / "expected.toml"
# A callback plugin that writes the results of tasks as JSON lines.
_CALLBACKS = ROOT / "tests" / "support" / "lab" / "callback"
LOCK = "peers.lock.txt"
# What a task can do. "works": information is returned. "changed": the second run reports a change again.
WORKING = ("works", "unchanged", "changed")
FAILING = ("fails", "fails again")  # in the first run, or only in the second one
# Each group has a cluster of its own, since they run at the same time.
_LAB = {
    "hypervisor": "none",
    "ports": "free",
    "images": [],
    "publish": {},
    "inventory": {"clusters": {"C1": 3, "C2": 1}},
    "users": {"ann@vsphere.local": {"password": "guessed-by-nobody"}},
}
# What modules import; see tests/clients/preloaded.py.
_PRELOADED = (
    "pyVim.connect",
    "pyVim.task",
    *(f"pyVmomi:vim.{name}" for name in ("ClusterComputeResource", "HostSystem", "Network", "Task", "VirtualMachine")),
    "requests",
    "vmware.vapi.vsphere.client",
    "com.vmware.content_client",
    "com.vmware.vcenter_client",
)
_PREPARATION = "prepare "
_INFORMATION = ("_info", "_facts", "_find", "_config_option")
# Settings of the machine's user that change what Ansible does.
_FOREIGN = ("ANSIBLE_", "VMWARE_", "GANTRY_", "XDG_")
_SECONDS = 1800
_START_SECONDS = 60


@dataclass(frozen=True)
class Run:
    """One run of a task."""

    name: str
    failed: bool = False
    changed: bool = False
    message: str = ""


@dataclass(frozen=True)
class Found:
    """What a task did, and the message with which it failed."""

    result: str
    message: str = ""


@dataclass(frozen=True)
class Expectation:
    """What a task is expected to do now, and what it did with the lab's first version ("": it was not tried then)."""

    now: str
    before: str = ""
    message: str = ""  # a part of the message
    reason: str = ""


def read_expected(path: Path = EXPECTED) -> dict[str, dict[str, Expectation]]:
    """Return the expectations by the names of the groups and of the tasks."""
    content = tomllib.loads(path.read_text())
    return {group: {name: Expectation(**one) for name, one in tasks.items()} for group, tasks in content.items()}


def read_tasks(group: str) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = yaml.safe_load((FOLDER / "tasks" / f"{group}.yml").read_text())
    return tasks


def _module(task: Mapping[str, Any]) -> str:
    return next(name for name in task if name.startswith(("community.vmware.", "vmware.vmware.")))


def repeated(tasks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks as they are run: twice, and whatever the other ones did. Preparations must succeed."""
    chosen: list[dict[str, Any]] = []
    for task in tasks:
        if task["name"].startswith(_PREPARATION):
            chosen.append(dict(task))
            continue
        times = 1 if _module(task).endswith(_INFORMATION) else 2
        chosen += [{**task, "ignore_errors": True}] * times
    return chosen


def results(outcomes: Iterable[Run]) -> dict[str, Found]:
    """Return what each task did in its runs, by its name."""
    runs: dict[str, list[Run]] = {}
    for outcome in outcomes:
        if not outcome.name.startswith((_PREPARATION, "include_tasks")):
            runs.setdefault(outcome.name, []).append(outcome)
    return {name: _result(found) for name, found in runs.items()}


def _result(runs: Sequence[Run]) -> Found:
    first, last = runs[0], runs[-1]
    if first.failed:
        return Found("fails", first.message)
    if last.failed:
        return Found("fails again", last.message)
    if first is last:
        return Found("works")
    return Found("changed" if last.changed else "unchanged")


def judge(group: str, found: Mapping[str, Found], expected: Mapping[str, Expectation]) -> Counts:
    """Count a group's tasks. Failed are those that do not do what is expected, in both directions."""
    failures = []
    for name, one in found.items():
        wanted = expected.get(name)
        if wanted is None:
            failures.append(
                f"{group}: {name}: it is not in {EXPECTED.name}. Its result was: {one.result} {one.message}"
            )
        elif one.result != wanted.now:
            failures.append(f"{group}: {name}: expected was: {wanted.now}; the result was: {one.result} {one.message}")
        elif wanted.message not in one.message:
            failures.append(f"{group}: {name}: expected was the message {wanted.message!r}; it was: {one.message}")
    gone = sorted(set(expected) - set(found))
    failures += [f"{group}: {name}: it is in {EXPECTED.name}, and was not run" for name in gone]
    return Counts(len(found) + len(gone) - len(failures), len(failures), failures=tuple(failures))


@contextmanager
def _interpreter(folder: Path, python: Path) -> Iterator[Path]:
    """Yield an interpreter for modules that has imported their libraries already; see tests/clients/preloaded.py."""
    program, socket = FOLDER / "preloaded.py", folder / "preloaded"
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\nexec {python} -SE {program} run {socket}\n")
    interpreter.chmod(0o755)
    # The server ends with its standard input.
    with subprocess.Popen([python, program, "serve", socket, *_PRELOADED], stdin=subprocess.PIPE) as server:
        deadline = time.monotonic() + _START_SECONDS
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > deadline:
                raise ToolError(f"{program.name} has not started with {python}. Its output is above.")
            time.sleep(0.05)
        yield interpreter


def _play(folder: Path, groups: Sequence[str], info: Mapping[str, Any], venv: Path) -> dict[str, Found]:
    """Run the groups in one ansible-playbook, each as a host of its own, and return what the tasks did."""
    for group in groups:
        # JSON would do, but a reader of a failed run is better served by YAML.
        (folder / f"{group}.yml").write_text(yaml.safe_dump(repeated(read_tasks(group)), sort_keys=False))
    playbook, written = folder / "playbook.yml", folder / "results.jsonl"
    tasks = [{"ansible.builtin.include_tasks": "{{ inventory_hostname }}.yml"}]
    playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": tasks}]))
    python = venv / "bin" / "python"
    with _interpreter(folder, python) as interpreter:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": str(interpreter)}
        done = subprocess.run(
            [venv / "bin" / "ansible-playbook", "-i", ",".join(groups) + ",", "-e", json.dumps(variables), playbook],
            env=_environment(folder, info, written),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    found = results(read_runs(written)) if written.exists() else {}
    if not found:
        raise ToolError(f"ansible-playbook has run no task:\n{done.stdout}")
    return found


def _environment(folder: Path, info: Mapping[str, Any], written: Path) -> dict[str, str]:
    """Return the environment of Ansible, without the settings of this machine's user."""
    (folder / "ansible.cfg").touch()
    authority = info["vcenter"]["ca_path"]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
        **connection_environment(info),
        "VMWARE_VALIDATE_CERTS": "true",
        # pyVmomi reads the one variable, and requests the other.
        "SSL_CERT_FILE": authority,
        "REQUESTS_CA_BUNDLE": authority,
        "HOME": str(folder),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_CALLBACK_PLUGINS": str(_CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "GANTRY_RESULTS": str(written),
    }


def read_runs(written: Path) -> Iterator[Run]:
    """Read what the callback plugin has written."""
    for line in written.read_text().splitlines():
        event = json.loads(line)
        if not event["item"]:
            result = event["result"]
            changed, message = bool(result.get("changed")), str(result.get("msg", ""))
            yield Run(event["name"], event["status"] == "failed", changed, message)


def run_tests(names: Sequence[str] = ()) -> Counts:
    """Run the groups of these names; without names, all."""
    expected = read_expected()
    unknown = sorted(set(names) - set(expected))
    if unknown:
        raise ToolError(f"{EXPECTED.name} has no {', '.join(unknown)}. Choose from: {', '.join(expected)}.")
    python = pythons.preferred()
    venv = CACHE / "peers-venv"
    environment.make(venv, python, LOCK)
    parity.check_record(venv)
    groups = [name for name in expected if name in names or not names]
    with tempfile.TemporaryDirectory(prefix="gantry-clients-") as directory:
        folder = Path(directory)
        lab = Lab(folder / "lab", _LAB, bound=True)
        try:
            with step("the lab of the client modules"):
                info = lab.up()
            found = _play(folder, groups, info, venv)
        finally:
            lab.down()
    total = Counts()
    for group in groups:
        own = {task["name"] for task in read_tasks(group)}
        counts = judge(group, {name: one for name, one in found.items() if name in own}, expected[group])
        say(f"clients {group}: {counts}")
        total += counts
    return total


def main() -> None:
    report(run_tests(sys.argv[1:]), "Modules of other collections did not do what tests/clients/expected.toml says.")


if __name__ == "__main__":
    main_guard(main)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: run the example playbook twice in the lab, move the container to another host, and remove it.

A table at the end says how long each part took.

The lab is left up if it was, and taken down if it was not.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devkit.console import ROOT, VENV, ToolError, main_guard, say, step
from lab.connection import connection_environment
from lab.controller import Lab

_CONTAINER = "web"
_TASK = re.compile(r"^TASK \[(?:.*: )?(.*)\]")
_RECAP = re.compile(r"changed=(\d+).*failed=(\d+)")


@dataclass(frozen=True)
class Played:
    """The duration of a playbook and of each of its tasks, and the number of tasks that changed something."""

    seconds: float
    tasks: Mapping[str, float]
    changed: int


def _variables(info: Mapping[str, Any]) -> dict[str, Any]:
    published = {target: port for port, target in info["publish"].items()}
    target = f"{_CONTAINER}:80"
    if target not in published:
        raise ToolError(f"The lab publishes no port of {target}. Add one to [publish] in lab/lab.toml.")
    return {
        "demo_name": _CONTAINER,
        "demo_image": info["images"]["nginx"],
        "demo_registry_tls_verify": False,
        "demo_bootstrap_iso": info["bootstrap_iso"],
        "demo_hosts": info["hosts"],
        "demo_url": f"http://127.0.0.1:{published[target]}/",
    }


def _play(playbook: str, info: Mapping[str, Any]) -> Played:
    """Run a playbook, showing its output as it comes."""
    command = [str(VENV / "bin" / "ansible-playbook"), "-i", "localhost,", "-e", json.dumps(_variables(info))]
    environment = {**os.environ, **connection_environment(info), "ANSIBLE_LOCALHOST_WARNING": "0"}
    tasks: dict[str, float] = {}
    current, changed = "", 0
    start = begin = time.monotonic()
    with subprocess.Popen(
        [*command, f"playbooks/{playbook}"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                say("   " + line.rstrip())
            task, recap = _TASK.match(line), _RECAP.search(line)
            if task or line.startswith("PLAY RECAP"):
                now = time.monotonic()
                if current:
                    tasks[current] = now - begin
                current, begin = task.group(1) if task else "", now
            if recap:
                changed = int(recap.group(1))
    if process.returncode:
        raise ToolError(f"playbooks/{playbook} failed. Its output is above.")
    return Played(time.monotonic() - start, tasks, changed)


def _table(rows: list[tuple[str, float, str]]) -> None:
    say("")
    for title, seconds, remark in rows:
        say(f"   {title:<46} {seconds:7.1f} s   {remark}".rstrip())


def main() -> None:
    begin = time.monotonic()
    # Bound to this process: the lab ends when the demo is killed.
    lab = Lab(bound=True)
    was_up = lab.status().state == "up"
    try:
        with step("the lab: a vCenter, a registry with images, machines that boot"):
            info = lab.up()
        started = time.monotonic() - begin
        say("-- run the container, from the registry to its page")
        first = _play("demo.yml", info)
        say("-- run the same playbook again: nothing changes")
        second = _play("demo.yml", info)
        if second.changed:
            raise ToolError(f"The second run changed {second.changed} objects. It must change nothing.")
        say("-- move it to another host while it runs")
        moved = _play("demo_move.yml", info)
        say("-- stop and remove it")
        last = _play("demo_remove.yml", info)
    finally:
        if not was_up:
            with step("lab down"):
                lab.down()
    rows = [("lab up" if not was_up else "lab (was up)", started, "")]
    rows += [(title, seconds, "") for title, seconds in first.tasks.items() if not title.startswith("Show ")]
    rows.append(("Ansible's own start", first.seconds - sum(first.tasks.values()), ""))
    rows += [
        ("second run", second.seconds, "changed=0"),
        ("live move, and its checks", moved.seconds, ""),
        ("stop and removal", last.seconds, ""),
    ]
    _table([*rows, ("all", time.monotonic() - begin, "")])


if __name__ == "__main__":
    main_guard(main)

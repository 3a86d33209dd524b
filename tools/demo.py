# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: run the collection's playbooks in the lab, from an empty cluster to containers and back.

site makes the cluster a place for containers, rollout runs three containers that a DRS rule keeps apart, one of them is
moved while it runs, a host is evacuated and taken back, report shows the result. A Compose project is updated and
rolled back while it is asked all the time. teardown removes everything. --check predicts site and rollout first, and
their second runs change nothing. A table at the end says how long each step took.

The lab is left up if it was, and taken down if it was not. A demo that was interrupted is continued by the next one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from devkit.console import ROOT, VENV, ToolError, main_guard, say, step
from lab.connection import connection_environment
from lab.controller import Lab
from lab.held import running_lab
from tools.runtime_package import stage_compose

_RECAP = re.compile(r"changed=(\d+).*failed=(\d+)")
_WEB_PORT = "web:80"


def published_url(info: Mapping[str, Any]) -> str:
    """Return the address by which this machine reaches the container web."""
    for port, target in info["publish"].items():
        if target == _WEB_PORT:
            return f"http://127.0.0.1:{port}/"
    raise ToolError(f"The lab publishes no port of {_WEB_PORT}. Add one to [publish] in lab/lab.toml.")


def variables(info: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return the variables of all playbooks, as a file of variables has them for a vCenter."""
    nginx, redis = info["images"]["nginx"], info["images"]["redis"]
    # Without KVM, on a busy machine, a check can take many seconds.
    patient = {"interval": "2s", "timeout": "30s", "start_period": "2m"}
    healthcheck = {**patient, "test": ["CMD-SHELL", "busybox wget -q -O /dev/null http://127.0.0.1/"]}
    return {
        "private_cloud_clusters": [
            {"name": info["cluster"], "drs": {"enabled": True, "automation_level": "fully_automated"}}
        ],
        "private_cloud_folders": [{"path": "demo"}],
        "private_cloud_resource_pools": [{"path": "demo", "cluster": info["cluster"], "memory": {"limit": "2G"}}],
        "private_cloud_bootstrap": {"src": info["bootstrap_iso"], "datastores": [info["datastore"]]},
        "private_cloud_images": [{"name": name, "datastores": [info["datastore"]]} for name in (nginx, redis)],
        "private_cloud_registry_tls_verify": False,
        "containers_project": "demo",
        "containers_cluster": info["cluster"],
        "containers_datastore": info["datastore"],
        "containers_folder": "demo",
        "containers_resource_pool": "demo",
        "containers_registry_tls_verify": False,
        "containers_defaults": {"memory": "128M", "restart_policy": "always", "networks": [{"name": "VM Network"}]},
        "containers_list": [
            {"name": "web", "image": nginx, "healthcheck": healthcheck, "smoke_test": {"url": url}},
            {"name": "api", "image": nginx, "healthcheck": healthcheck},
            {"name": "cache", "image": redis, "healthcheck": patient},
        ],
        "containers_rules": [{"name": "apart", "type": "separate", "containers": ["web", "api"]}],
        "demo_name": "web",
        "demo_apart": ["api"],
        "demo_hosts": info["hosts"],
        "demo_url": url,
        "demo_images": {"old": info["images"]["tiny"], "new": nginx},
        "container_stack_cluster": info["cluster"],
        "container_stack_datastore": info["datastore"],
        "container_stack_networks": {"*": "VM Network"},
        "container_stack_registry_tls_verify": False,
    }


class Demo:
    """Runs the playbooks one after the other, showing their output as it comes, and keeps their durations."""

    def __init__(self, info: Mapping[str, Any], runtime: Path) -> None:
        """``runtime`` is the directory with the package that reads Compose files."""
        self._variables = variables(info, published_url(info))
        path = os.pathsep.join(filter(None, (str(runtime), os.environ.get("PYTHONPATH"))))
        self._environment = {
            **os.environ,
            **connection_environment(info),
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "PYTHONPATH": path,
        }
        self.rows: list[tuple[str, float, str]] = []

    def play(self, title: str, playbook: str, *options: str, **more: Any) -> int:
        """Run a playbook; return how many of its tasks changed something."""
        say(f"-- {title}")
        command = [str(VENV / "bin" / "ansible-playbook"), "-i", "localhost,", *options]
        changed = 0
        begin = time.monotonic()
        with subprocess.Popen(
            [*command, "-e", json.dumps({**self._variables, **more}), f"playbooks/{playbook}.yml"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip() and not line.startswith("skipping:"):
                    say("   " + line.rstrip())
                if recap := _RECAP.search(line):
                    changed = int(recap.group(1))
        if process.returncode:
            raise ToolError(f"playbooks/{playbook}.yml failed. Its output is above.")
        self.rows.append((title, time.monotonic() - begin, f"changed={changed}"))
        return changed

    def again(self, playbook: str) -> None:
        """Run a playbook a second time, which must not change anything."""
        if changed := self.play(f"{playbook}, second run", playbook):
            raise ToolError(f"The second run of {playbook} changed {changed} objects. It must not change anything.")


def _run(demo: Demo, host: str) -> None:
    demo.play("site --check: what will be done to the cluster", "site", "--check")
    demo.play("site: a place for containers", "site")
    demo.play("rollout --check: what will be done", "rollout", "--check")
    demo.play("rollout: three containers and a rule", "rollout")
    demo.again("site")
    demo.again("rollout")
    demo.play("live move", "demo_move")
    demo.play(
        "evacuate: one host into maintenance mode and back",
        "evacuate",
        evacuate_action="rolling",
        evacuate_hosts=[host],
    )
    demo.play("report", "report")
    demo.play("a Compose project: updated and rolled back under load", "demo_stack")
    demo.play("teardown", "teardown")


def main() -> None:
    begin = time.monotonic()
    found = Lab().status()
    was_up = found.info if found.state == "up" else None
    with ExitStack() as stack:
        with step("the lab: a vCenter, a registry with images, machines that boot"):
            # One that is started for the demo ends with it, even when it is killed.
            info = was_up or stack.enter_context(running_lab())
        started = time.monotonic() - begin
        with step("the program that reads Compose files"):
            runtime = stage_compose(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gantry-demo-"))))
        demo = Demo(info, runtime)
        _run(demo, info["hosts"][0])
        if not was_up:
            with step("lab down"):
                stack.close()
    rows = [("lab (was up)" if was_up else "lab up", started, ""), *demo.rows, ("all", time.monotonic() - begin, "")]
    say("")
    for title, seconds, remark in rows:
        say(f"   {title:<52} {seconds:7.1f} s   {remark}".rstrip())


if __name__ == "__main__":
    main_guard(main)

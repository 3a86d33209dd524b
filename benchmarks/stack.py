# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure container_stack with 100 and 1000 replicas: creation, a run with nothing to do, and both without the module.

The lab boots nothing, so this is the cost of the controller and of its requests. A clone takes a second, as vCenter
takes at least; with --instant it takes no time, which shows what the controller adds most clearly.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    IMAGE_PROPERTIES,
    MACHINE_PROPERTIES,
)
from benchmarks.measure import cost_of, report
from benchmarks.playing import Bench, Task, bench
from tests.support.lab.iso import make_iso
from tests.support.runtime import runtime_package

SIZES = (100, 1000)
_MODULE = "gantry.vsphere.container_stack"
_BARE = [sys.executable, "-m", "benchmarks.bare_stack"]
_CLONE_SECONDS = 1.0
# A host runs at most 1024 VMs.
_HOSTS = {"inventory": {"hosts": 16}}


def _prepare(one: Bench, clone_seconds: float) -> None:
    """Upload the bootstrap ISO, import the image, and let clones take their time."""
    place = {"datastore": one.info["datastore"]}
    image = {"name": one.info["images"]["tiny"], "registry_tls_verify": False, **place}
    iso = {"src": str(make_iso(one.folder, "0")), **place}
    tasks: list[Task] = [{"gantry.vsphere.bootstrap_image": iso}, {"gantry.vsphere.container_image": image}]
    cost_of(one.playbook("prepare", tasks), one.environment)
    if clone_seconds:
        one.control.fault("CloneVM_Task", delay_seconds=clone_seconds, in_task=True, count=100_000)


def _stack(one: Bench, replicas: int) -> list[str]:
    """Return the command that runs the stack. Its containers have no network: names are not what is measured."""
    text = f"""
name: bench
services:
  app:
    image: {one.info["images"]["tiny"]}
    network_mode: none
    mem_limit: 96m
    deploy: {{replicas: {replicas}}}
"""
    options = {"definition": text, "project_src": str(one.folder), "datastore": one.info["datastore"]}
    return one.playbook("stack", [{_MODULE: {**options, "cluster": one.info["cluster"]}}])


def _measure(size: int, clone_seconds: float) -> list[tuple[str, Any]]:
    with bench(images=["tiny"], **_HOSTS) as one, runtime_package(one.folder / "runtime"):
        _prepare(one, clone_seconds)
        start = cost_of(one.playbook("start", [{"ansible.builtin.debug": {"msg": "start"}}]), one.environment)
        command = _stack(one, size)
        created = cost_of(command, one.environment)
        one.control.forget()
        again = cost_of(command, one.environment)
        requests = len(one.control.methods())
        properties = list(dict.fromkeys((*MACHINE_PROPERTIES, *IMAGE_PROPERTIES)))
        read = cost_of([*_BARE, "read", json.dumps(properties)], one.environment)
    with bench(images=["tiny"], **_HOSTS) as one:
        _prepare(one, clone_seconds)
        bare = cost_of([*_BARE, "create", str(size)], one.environment)
    return [
        (f"{size} replicas, creation, wall seconds", created.wall),
        (f"{size} replicas, creation by a bare script, wall seconds", bare.wall),
        (f"{size} replicas, creation, ratio", created.wall / bare.wall),
        (f"{size} replicas, nothing to do, wall seconds", again.wall),
        (f"{size} replicas, the bare read, wall seconds", read.wall),
        (f"{size} replicas, nothing to do, ratio", again.wall / read.wall),
        (f"{size} replicas, nothing to do, ratio without the start of Ansible", (again.wall - start.wall) / read.wall),
        (f"{size} replicas, nothing to do, requests", requests),
        (f"{size} replicas, MiB of the largest process", max(created.memory, again.memory)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instant", action="store_true", help="let clones take no time")
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, help="the numbers of replicas")
    given = parser.parse_args()
    rows = [row for size in given.sizes for row in _measure(size, 0 if given.instant else _CLONE_SECONDS)]
    found = dict(rows)
    for what in ("creation", "nothing to do"):
        first, last = (found[f"{size} replicas, {what}, wall seconds"] for size in given.sizes)
        rows.append(
            (f"{what}, exponent of the growth", math.log(last / first) / math.log(given.sizes[1] / given.sizes[0]))
        )
    report("stack_instant" if given.instant else "stack", rows)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure container_stack with 100 and 1000 replicas: creation, a run with nothing to do, and both without the module.

The lab boots nothing, so this is the cost of the controller and of its requests.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from benchmarks.measure import Cost, cost_of, report
from benchmarks.playing import Bench, Task, bench
from tests.support.lab.iso import make_iso
from tests.support.runtime import runtime_package

SIZES = (100, 1000)
_MODULE = "gantry.vsphere.container_stack"
_BARE = [sys.executable, "-c"]


def _prepare(one: Bench) -> None:
    """Upload the bootstrap ISO, and import the image."""
    place = {"datastore": one.info["datastore"]}
    image = {"name": one.info["images"]["tiny"], "registry_tls_verify": False, **place}
    iso = {"src": str(make_iso(one.folder, "0")), **place}
    tasks: list[Task] = [{"gantry.vsphere.bootstrap_image": iso}, {"gantry.vsphere.container_image": image}]
    cost_of(one.playbook("prepare", tasks), one.environment)


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


def _measure(size: int) -> list[tuple[str, Any]]:
    with bench(images=["tiny"]) as one, runtime_package(one.folder / "runtime"):
        _prepare(one)
        command = _stack(one, size)
        created = cost_of(command, one.environment)
        one.control.forget()
        again = cost_of(command, one.environment)
        requests = len(one.control.methods())
        read = cost_of([*_BARE, "from benchmarks.bare_inventory import read; read()"], one.environment)
    with bench(images=["tiny"]) as one:
        _prepare(one)
        bare = cost_of([*_BARE, f"from benchmarks.bare_stack import create; create({size})"], one.environment)
    return _rows(size, created, again, requests, bare, read)


def _rows(size: int, created: Cost, again: Cost, requests: int, bare: Cost, read: Cost) -> list[tuple[str, Any]]:
    return [
        (f"{size} replicas, creation, wall seconds", created.wall),
        (f"{size} replicas, creation by a bare script, wall seconds", bare.wall),
        (f"{size} replicas, creation, ratio", created.wall / bare.wall),
        (f"{size} replicas, nothing to do, wall seconds", again.wall),
        (f"{size} replicas, the bare read, wall seconds", read.wall),
        (f"{size} replicas, nothing to do, ratio", again.wall / read.wall),
        (f"{size} replicas, nothing to do, requests", requests),
        (f"{size} replicas, MiB of the largest process", max(created.memory, again.memory)),
    ]


def main() -> None:
    rows = [row for size in SIZES for row in _measure(size)]
    found = dict(rows)
    for what in ("creation", "nothing to do"):
        first, last = (found[f"{size} replicas, {what}, wall seconds"] for size in SIZES)
        rows.append((f"{what}, exponent of the growth", math.log(last / first) / math.log(SIZES[1] / SIZES[0])))
    report("stack", rows)


if __name__ == "__main__":
    main()

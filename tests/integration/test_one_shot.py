# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that exit codes and logs of ended containers stay, and that guests find their document, whatever vSphere drops.

The guests of the lab without a hypervisor follow scripts: they run for some time, publish their end, and power off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site

IMAGE = "registry.example.com/app:1"
JOB = f"{PREFIX}job"
CODES = (0, 1, 137, 127)
LIVES_MS = (10, 100, 700, 1500, 3000)
MANY = 100
DROPPING = ("deleted", "reverted")
# The longest time between two looks at a container whose end is recorded (guest/cmd/init/linger.go).
PATIENCE = 25


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder) -> Iterator[Site]:
    one = Site(lab, builder, Control(lab["control"]))
    one.calls.reset()
    yield one
    one.calls.reset()
    one.clear()


def script(run_ms: int, exit_code: int, log: str, **more: int) -> list[str]:
    return ["lab-guest", json.dumps({"run_ms": run_ms, "exit_code": exit_code, "log": log, **more})]


def run_job(site: Site, command: list[str] | None = None, **options: Any) -> dict[str, Any]:
    given = {"image": IMAGE, "networks": [{"name": NETWORK}]} if command else {}
    return site.run("container_vm", name=JOB, **given, **({"command": command} if command else {}), **options)


def info(site: Site, *names: str) -> dict[str, dict[str, Any]]:
    found = site.ok("container_vm_info", name=list(names), logs=True)["containers"]
    return {one["name"]: one for one in found}


def await_off(site: Site, *names: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(one["state"] != "stopped" for one in info(site, *names).values()):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def other_host(site: Site, name: str) -> str:
    (entry,) = list(info(site, name).values())
    return next(host for host in site.lab["hosts"] if host != entry["host"])


@pytest.mark.parametrize("at_power_off", DROPPING)
def test_a_hundred_one_shot_containers_keep_their_exit_codes_and_logs(site: Site, at_power_off: str) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off, guest_report_seconds=0.3)
    wanted = {
        f"{JOB}-{number}": (CODES[number % 4], LIVES_MS[number % 5], f"this is {number}\n") for number in range(MANY)
    }
    lab = site.builder.lab
    containers = [
        {"name": name, "image": IMAGE, "command": script(run_ms, code, log)}
        for name, (code, run_ms, log) in wanted.items()
    ]
    common = {"project": "jobs", "containers": containers, "datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    made = site.run("container_set", **common)
    # Those that had failed before they were seen running fail the task, each with its own code.
    failed = {one["name"]: one for one in made.get("subjects", []) if one["status"] == "failed"}
    assert all(wanted[name][0] != 0 for name in failed)
    assert {name for name, (code, _life, _log) in wanted.items() if code == 127} <= failed.keys()
    # The others end when nobody waits for them: whatever task looks next, here to have them all present, records that.
    deadline = time.monotonic() + PATIENCE
    present = {**common, "containers": [{**one, "state": "present"} for one in containers]}
    while site.ok("container_set", **present)["changed"] or any(
        one["state"] != "stopped" for one in info(site, *wanted).values()
    ):
        assert time.monotonic() < deadline
    ended = info(site, *wanted)
    assert {name: (one["status"], one["exit_code"], one["log"]) for name, one in ended.items()} == {
        name: ("exited", code, log) for name, (code, _life, log) in wanted.items()
    }
    name = f"{JOB}-2"
    site.ok("vm_vmotion", name=name, host=other_host(site, name))
    assert info(site, name)[name]["exit_code"] == 137

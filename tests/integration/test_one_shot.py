# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that the exit code and the log of a container stay, and its document, when vSphere drops guestinfo keys.

The guests of the lab without a hypervisor follow scripts: they run for some time, publish their end, and power off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import NETWORK, Site

JOB = f"{PREFIX}job"
CODES = (0, 1, 137, 127)
LIVES_MS = (10, 100, 700, 1500, 3000)
DROPPING = ("deleted", "reverted")
# A hundred in all. To watch many VMs takes the lab more time than in proportion to their number.
SETS = [("deleted", 0), ("reverted", 20), ("kept", 40), ("reverted", 60), ("deleted", 80)]
EACH = 20
# Shorter than the time for which a VM stays on whose container has ended (guest/cmd/init/linger.go).
PATIENCE = 50


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


@pytest.mark.parametrize(("at_power_off", "first"), SETS)
def test_one_shot_containers_keep_their_exit_codes_and_logs(site: Site, at_power_off: str, first: int) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off, guest_report_seconds=0.3)
    wanted = {
        f"{JOB}-{number}": (CODES[number % 4], LIVES_MS[number % 5], f"this is {number}\n")
        for number in range(first, first + EACH)
    }
    lab = site.builder.lab
    containers = [
        {"name": name, "image": IMAGE, "command": script(run_ms, code, log)}
        for name, (code, run_ms, log) in wanted.items()
    ]
    common = {"project": "jobs", "containers": containers, "datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    made = site.run("container_set", **common)
    # Those that fail before they are seen running fail the task, each with its own code and output.
    failed = [one for one in made["subjects"] if one["status"] != "done"]
    for one in failed:
        code, _life, log = wanted[one["name"]]
        assert code != 0
        assert (one["exit_code"], one["log"]) == (code, log)
    assert {name for name, (code, _life, _log) in wanted.items() if code == 127} <= {one["name"] for one in failed}
    # The others end while no task waits for them. The next task that looks at them records their ends.
    deadline = time.monotonic() + PATIENCE
    present = {**common, "containers": [{**one, "state": "present"} for one in containers]}
    while any(one["state"] != "stopped" for one in info(site, *wanted).values()):
        assert time.monotonic() < deadline
        site.ok("container_set", **present)
    expected = {name: ("exited", code, log) for name, (code, _life, log) in wanted.items()}
    assert reported(site, *wanted) == expected
    assert not site.ok("container_set", **present)["changed"]
    # Nothing of it depends on the time, nor on the host.
    an_hour_later(site)
    hosts = {name: one["host"] for name, one in info(site, *wanted).items()}
    left = hosts[next(iter(wanted))]
    target = next(host for host in lab["hosts"] if host != left)
    site.ok("vm_vmotion", vms=[name for name, host in hosts.items() if host == left], host=target)
    assert left not in {one["host"] for one in info(site, *wanted).values()}
    assert reported(site, *wanted) == expected


def an_hour_later(site: Site) -> None:
    """Let the sessions and the tasks of all that has happened end."""
    site.calls.advance(3600)
    deadline = time.monotonic() + PATIENCE
    while site.builder.session.content.taskManager.recentTask:
        assert time.monotonic() < deadline


def reported(site: Site, *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: (one["status"], one["exit_code"], one["log"]) for name, one in info(site, *names).items()}


@pytest.mark.parametrize("at_power_off", [*DROPPING, "kept"])
def test_the_end_of_a_stopped_container_is_recorded(site: Site, at_power_off: str) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off, guest_report_seconds=0.1)
    site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}])
    site.ok("container_vm", name=JOB, state="stopped")
    assert reported(site, JOB) == {JOB: ("exited", 0, None)}
    restarted = site.ok("container_vm", name=JOB)
    assert restarted["container"]["status"] == "running"
    site.builder.power_off(site.builder.vm(JOB).moid)
    # It was killed. The end of the run before is not that of this one.
    assert reported(site, JOB)[JOB][:2] == ("exited", None)


def test_a_container_that_was_never_started_is_not_reported_as_exited(site: Site) -> None:
    made = site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}], state="present")
    assert made["container"]["status"] == "created"
    assert site.ok("container_vm", name=JOB)["container"]["status"] == "running"


def test_an_end_that_no_task_has_seen_survives_only_where_vsphere_keeps_it(site: Site) -> None:
    found = {}
    for at_power_off in ("deleted", "reverted", "kept"):
        site.calls.behave(guest_info_at_power_off=at_power_off)
        run_job(site, script(300, 3, "unseen\n", linger_ms=0))
        await_off(site)
        found[at_power_off] = reported(site, JOB)[JOB]
        site.ok("container_vm", name=JOB, state="absent")
    lost = ("exited", None, None)
    assert found == {"deleted": lost, "reverted": lost, "kept": ("exited", 3, "unseen\n")}


def exits(site: Site, **options: Any) -> dict[str, Any]:
    found = site.run("container_vm_info", name=[JOB], logs=True, exit_from_disk=True, **options)
    assert not found.get("failed"), found
    assert not found["changed"]
    (container,) = found["containers"]
    return {key: container[key] for key in ("exit_from_disk", "status", "exit_code", "log", "finished_at")}


@pytest.mark.parametrize("at_power_off", DROPPING)
def test_an_end_that_no_task_has_seen_is_read_from_the_disk(site: Site, at_power_off: str) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off)
    run_job(site, script(300, 3, "unseen\n", linger_ms=0))
    await_off(site)
    an_hour_later(site)
    left = info(site, JOB)[JOB]["host"]
    site.ok("vm_vmotion", vms=[JOB], host=next(host for host in site.builder.lab["hosts"] if host != left))
    before = site.builder.vm(JOB).config
    read = exits(site)
    assert read.pop("finished_at")
    assert read == {"exit_from_disk": "read", "status": "exited", "exit_code": 3, "log": "unseen\n"}
    methods = site.calls.methods()
    assert [methods.count(one) for one in ("ExportVm", "HTTP GET", "HttpNfcLeaseAbort")] == [1, 1, 1]
    assert site.calls.mutating() == []
    assert site.builder.vm(JOB).config == before
    # No lease is left: the VM can be changed at once.
    edited = site.builder.vm(JOB).config["gantry.spec"].replace('"timeout":10', '"timeout":11')
    site.builder.set_config(site.builder.vm(JOB).moid, {"gantry.spec": edited})
    assert exits(site)["exit_from_disk"] == "other_document"


def test_a_refused_export_is_an_error(site: Site) -> None:
    run_job(site, script(10, 3, "", linger_ms=0), wait=False)
    await_off(site)
    site.calls.fault("ExportVm", "NotSupported")
    refused = site.refused("container_vm_info", name=[JOB], exit_from_disk=True)
    assert "ExportVm on vm-" in refused["msg"]
    assert exits(site)["exit_code"] == 3


def test_a_container_that_was_killed_has_no_end_on_its_disk(site: Site) -> None:
    run_job(site, script(60_000, 3, ""))
    assert exits(site)["exit_from_disk"] == "not_needed"
    site.builder.power_off(site.builder.vm(JOB).moid)
    lost = {"status": "exited", "exit_code": None, "log": None, "finished_at": None}
    assert exits(site) == {"exit_from_disk": "not_ended", **lost}


def test_a_container_without_a_disk_keeps_no_end(site: Site) -> None:
    run_job(site, script(10, 3, "", linger_ms=0), writable="tmpfs")
    await_off(site)
    assert (exits(site)["exit_from_disk"], exits(site)["exit_code"]) == ("no_disk", None)


def test_a_container_that_has_ended_is_started_again(site: Site) -> None:
    run_job(site, script(200, 0, "first\n"))
    again = site.run("container_vm", name=JOB)
    assert not again.get("failed"), again
    deadline = time.monotonic() + PATIENCE
    while info(site, JOB)[JOB]["status"] != "exited":
        assert time.monotonic() < deadline
    predicted = site.run("container_vm", name=JOB, check=True)
    started = site.ok("container_vm", name=JOB)
    assert predicted["actions"] == started["actions"] == [f"stop {JOB}", f"start {JOB}"]
    site.ok("container_vm", name=JOB, state="present")


def completed(site: Site, command: list[str], **options: Any) -> list[str]:
    """Run a job to its end, as check mode predicts, after which nothing is to do; return the actions."""
    wanted: dict[str, Any] = {
        "name": JOB,
        "image": IMAGE,
        "command": command,
        "networks": [{"name": NETWORK}],
        **options,
    }
    predicted = site.run("container_vm", state="completed", **wanted, check=True)
    done = site.ok("container_vm", state="completed", **wanted)
    assert (predicted["actions"], predicted["diff"]) == (done["actions"], done["diff"])
    container = done["container"]
    assert (container["state"], container["status"], container["exit_code"]) == ("stopped", "exited", 0)
    assert not site.ok("container_vm", state="completed", **wanted)["changed"]
    actions: list[str] = done["actions"]
    return actions


@pytest.mark.parametrize("at_power_off", DROPPING)
def test_a_job_runs_to_its_end_once(site: Site, at_power_off: str) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off)
    job = script(300, 0, "migrated\n")
    assert completed(site, job) == [f"create {JOB} from {IMAGE}", f"run {JOB} to its end"]
    assert reported(site, JOB) == {JOB: ("exited", 0, "migrated\n")}
    assert completed(site, job, labels={"a": "b"}) == [f"reconfigure {JOB}: labels"]
    assert completed(site, job, env={"VERSION": "2"})[1:] == [f"run {JOB} to its end"]
    again = site.ok("container_vm", name=JOB, state="completed", restart=True)
    assert again["actions"] == [f"run {JOB} to its end"]


def test_a_job_that_fails_runs_again(site: Site) -> None:
    wanted = {"name": JOB, "image": IMAGE, "networks": [{"name": NETWORK}], "state": "completed"}
    failed = site.run("container_vm", **wanted, command=script(100, 3, "no database\n"))
    assert f"container {JOB} exited with code 3 before it was completed" in failed["msg"]
    assert (failed["exit_code"], failed["log"]) == (3, "no database\n")
    assert site.run("container_vm", name=JOB, state="completed")["exit_code"] == 3
    assert completed(site, script(100, 0, "migrated\n"))[1:] == [f"run {JOB} to its end"]


def test_a_job_that_runs_is_awaited(site: Site) -> None:
    run_job(site, script(1500, 0, ""), state="completed", wait=False)
    done = site.ok("container_vm", name=JOB, state="completed")
    assert done["actions"] == [f"wait until {JOB} is completed"]
    assert done["container"]["exit_code"] == 0
    late = site.run("container_vm", name=JOB, state="completed", restart=True, wait_timeout=1)
    assert "was not completed within 1 s (wait_timeout); its state is running" in late["msg"]


@pytest.mark.parametrize("at_power_off", DROPPING)
@pytest.mark.parametrize("value", ["", "{}", None], ids=["removed", "changed", "unchanged"])
def test_the_document_survives_edits_of_a_running_vm(site: Site, at_power_off: str, value: str | None) -> None:
    site.calls.behave(guest_info_at_power_off=at_power_off)
    before = site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}])["container"]
    vm = site.builder.vm(JOB)
    document = vm.config["guestinfo.gantry.spec"]
    site.builder.set_config(vm.moid, {"guestinfo.gantry.spec": document if value is None else value})
    assert not site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}])["changed"]
    # The restart is made by one task: the key is lost while it runs.
    changed = site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}], memory="300M")
    assert changed["container"]["status"] == "running"
    assert changed["container"]["id"] == before["id"]
    assert site.builder.vm(JOB).config["guestinfo.gantry.spec"] == document


def test_a_document_that_was_lost_while_the_vm_is_off_is_restored_without_a_configuration(site: Site) -> None:
    site.ok("container_vm", name=JOB, image=IMAGE, networks=[{"name": NETWORK}])
    vm = site.builder.vm(JOB)
    site.builder.set_config(vm.moid, {"guestinfo.gantry.spec": "{}"})
    site.builder.power_off(vm.moid)
    predicted = site.run("container_vm", name=JOB, check=True)
    started = site.ok("container_vm", name=JOB)
    assert predicted["actions"] == started["actions"] == [f"reconfigure {JOB}: record", f"start {JOB}"]
    assert started["container"]["status"] == "running"


def await_off(site: Site) -> None:
    deadline = time.monotonic() + PATIENCE
    while info(site, JOB)[JOB]["state"] != "stopped":
        assert time.monotonic() < deadline

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the role evacuate and its playbook against the lab's vCenter, with nothing booted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from devkit.console import ROOT
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site, cd_drive, serial_port
from tests.support.lab.playbook import PlaybookRunner, Run

pytestmark = pytest.mark.timeout(600)

PLAYBOOK = ROOT / "playbooks" / "evacuate.yml"
HOSTS = ["esx1", "esx2", "esx3"]
VMS = [f"{PREFIX}{number}" for number in range(4)]
ENTER, LEAVE = "EnterMaintenanceMode_Task", "ExitMaintenanceMode_Task"


@dataclass(frozen=True)
class Evacuation:
    """Runs of the playbook for cluster C0, and the state of its hosts."""

    site: Site
    play: PlaybookRunner
    folder: Path

    def run(self, *, check: bool = False, **variables: Any) -> Run:
        self.site.calls.forget()
        return self.play(
            PLAYBOOK,
            check=check,
            extra_vars={f"evacuate_{name}": value for name, value in {"cluster": "C0", **variables}.items()},
        )

    def ok(self, **variables: Any) -> dict[str, Any]:
        return result_of(self.run(**variables).ok())

    def refused(self, **variables: Any) -> str:
        """Return the message of a run that must fail before anything is changed."""
        run = self.run(**variables)
        assert run.code != 0, run.output
        assert self.site.calls.mutating() == []
        return run.last.msg

    def tasks(self, *tasks: dict[str, Any]) -> str:
        """Write a file of tasks."""
        path = self.folder / "tasks.yml"
        path.write_text(json.dumps(tasks))
        return str(path)

    def steps(self) -> list[str]:
        return [name for name in self.site.calls.methods() if name in (ENTER, LEAVE)]

    def inside(self) -> list[str]:
        return [host for host in HOSTS if self.site.in_maintenance(host)]


def result_of(run: Run) -> dict[str, Any]:
    """Return the fact evacuate_result."""
    (found,) = [one for one in run.outcomes if one.name.endswith("Set the result")]
    facts: dict[str, Any] = found["ansible_facts"]
    result: dict[str, Any] = facts["evacuate_result"]
    return result


@pytest.fixture
def evacuation(
    lab: dict[str, Any], builder: VmBuilder, calls: Control, play: PlaybookRunner, tmp_path: Path
) -> Iterator[Evacuation]:
    site = Site(lab, builder, calls)
    site.clear()
    calls.set_services("C0", "embedded")
    yield Evacuation(site, play, tmp_path)
    calls.reset()
    calls.set_services("C0", "none")
    site.configure("C0", dasConfig=vim.cluster.DasConfigInfo(enabled=False, admissionControlEnabled=False))
    site.ok("drs_ruleset", cluster="C0", rules=[{"name": "bound", "state": "absent"}])
    for host in (*HOSTS, "esx4", "esx5"):
        site.ok("host_maintenance", host=host, state="absent")
    site.clear()


def test_hosts_are_done_one_after_the_other_and_no_vm_stops(evacuation: Evacuation) -> None:
    for name, host in zip(VMS, (*HOSTS, HOSTS[0]), strict=True):
        evacuation.site.make(name, host=host)
    tasks = evacuation.tasks(
        {
            "name": "Note the host",
            "ansible.builtin.lineinfile": {
                "path": str(evacuation.folder / "log"),
                "line": "{{ evacuate_host.name }} {{ evacuate_host.version }}",
                "create": True,
                "mode": "0600",
            },
        }
    )
    done = evacuation.ok(action="rolling", tasks=tasks)
    assert evacuation.steps() == [ENTER, LEAVE] * 3
    assert (done["done"], done["remaining"], done["in_maintenance"]) == (HOSTS, [], [])
    assert [line.split()[0] for line in (evacuation.folder / "log").read_text().splitlines()] == HOSTS
    assert len(done["actions"]) == 6
    assert {one["name"] for one in done["evacuated"]} == set(VMS)
    assert evacuation.inside() == []
    assert {evacuation.site.builder.vm(name).power for name in VMS} == {"poweredOn"}
    # Nothing was asked of the VMs of vSphere Cluster Services, which are created and removed in the meantime.
    machines = {f"VirtualMachine:{evacuation.site.builder.vm(name).moid}" for name in VMS}
    asked = {call["this"] for call in evacuation.site.calls.all() if call["this"].startswith("VirtualMachine:")}
    assert asked <= machines


def test_the_plan_is_the_default_and_changes_nothing(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx2", devices=[serial_port()])
    plan = evacuation.ok()
    assert evacuation.site.calls.mutating() == []
    assert (plan["action"], plan["done"], plan["remaining"]) == ("plan", [], HOSTS)
    codes = {host: [one["code"] for one in blockers] for host, blockers in plan["blockers"].items()}
    assert codes == {"esx1": [], "esx2": ["serial_connected"], "esx3": []}
    memory = evacuation.site.host("esx1").summary.hardware.memorySize >> 20
    assert {key: value["memory_mb"] for key, value in plan["capacity"].items()} == {
        f"{host} of /DC0/host/C0": 2 * memory for host in HOSTS
    }


def test_a_misspelt_variable_is_refused(evacuation: Evacuation) -> None:
    message = evacuation.refused(action="rolling", tasc="upgrade.yml")
    assert "The role evacuate has no variable evacuate_tasc. Correct the name; the variables are " in message
    assert message.endswith("Nothing was changed.")


@pytest.mark.parametrize("action", ["enter", "rolling"])
def test_a_blocker_of_any_host_stops_the_run_before_any_change(evacuation: Evacuation, action: str) -> None:
    iso = evacuation.site.builder.upload_bootstrap("iso/tools.iso", datastore="local-esx2")
    evacuation.site.make(VMS[0], host="esx2", devices=cd_drive(iso))
    message = evacuation.refused(action=action, hosts=HOSTS[:2], serial=2)
    assert f"esx2: /DC0/vm/{VMS[0]}: " in message
    assert iso in message
    assert message.endswith("Nothing was changed.")


def test_a_mandatory_rule_stops_the_run_before_any_change(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx1")
    bind(evacuation.site, VMS[0], "esx1", mandatory=True)
    message = evacuation.refused(action="rolling")
    assert f"esx1: /DC0/vm/{VMS[0]}: rule 'bound' of cluster C0" in message


def test_too_little_capacity_stops_the_run_before_any_change(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx1")
    evacuation.site.configure("C0", dasConfig=vim.cluster.DasConfigInfo(enabled=True, admissionControlEnabled=False))
    both = {"action": "enter", "hosts": HOSTS[:2], "serial": 2}
    message = evacuation.refused(**both)
    assert "Without esx1, esx2 and after a failure of esx3, cluster C0 has no usable host left." in message
    assert "evacuate_keep_failover" in message
    assert evacuation.ok(**both, keep_failover=False)["in_maintenance"] == HOSTS[:2]
    assert evacuation.ok(action="exit")["in_maintenance"] == []


def test_hosts_enter_and_exit_and_a_second_run_changes_nothing(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx1")
    enter = {"action": "enter", "hosts": ["ESX1"]}
    predicted = evacuation.run(check=True, **enter).ok()
    assert evacuation.inside() == []
    entered = evacuation.ok(**enter)
    assert result_of(predicted)["actions"] == entered["actions"]
    assert (entered["in_maintenance"], evacuation.inside()) == (["esx1"], ["esx1"])
    assert "changed=0 " in evacuation.run(**enter).ok().output
    assert evacuation.ok(action="exit")["actions"] == ["take esx1 out of maintenance mode"]
    assert "changed=0 " in evacuation.run(action="exit").ok().output


def test_a_check_of_a_rolling_run_changes_nothing(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx1")
    predicted = result_of(evacuation.run(check=True, action="rolling").ok())
    assert evacuation.site.calls.mutating() == []
    assert [action.split(",")[0] for action in predicted["actions"]] == [
        f"put {host} into maintenance mode" for host in HOSTS
    ]


def test_no_more_hosts_than_asked_for_are_in_maintenance_mode(evacuation: Evacuation) -> None:
    message = evacuation.refused(action="enter", hosts=HOSTS[:2])
    assert "evacuate_serial allows 1" in message
    evacuation.ok(action="enter", hosts=["esx3"])
    message = evacuation.refused(action="rolling", hosts=HOSTS[:2])
    assert message.startswith("esx3 of the same clusters is in maintenance mode and not to be done")
    done = evacuation.ok(action="rolling", hosts=HOSTS[:2], serial=2)
    assert (done["done"], evacuation.inside()) == (HOSTS[:2], ["esx3"])
    assert evacuation.steps() == [ENTER, LEAVE] * 2


def test_a_host_whose_tasks_fail_stays_in_maintenance_mode_and_comes_first(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx1")
    fail = {
        "name": "Upgrade",
        "ansible.builtin.fail": {"msg": "There is no space left."},
        "when": "evacuate_host.name == 'esx2'",
    }
    failed = evacuation.run(action="rolling", tasks=evacuation.tasks(fail))
    assert failed.code != 0
    assert failed.last.msg == (
        "The task 'Upgrade' failed: There is no space left. Done: esx1. In maintenance mode: esx2. "
        "Remaining: esx2, esx3. Fix the cause and run again: the hosts in maintenance mode come first."
    )
    assert result_of(failed)["done"] == ["esx1"]
    assert evacuation.inside() == ["esx2"]
    resumed = evacuation.ok(action="rolling", skip=["esx1"])
    assert (resumed["done"], resumed["left_out"]) == (["esx2", "esx3"], ["esx1"])
    assert evacuation.steps() == [LEAVE, ENTER, LEAVE]
    assert evacuation.inside() == []


def test_a_host_in_maintenance_mode_is_no_blocker_of_the_other_one(evacuation: Evacuation) -> None:
    """Of two hosts one is in maintenance mode: the other one cannot enter before that one is back."""
    evacuation.site.make(VMS[0], host="esx4")
    evacuation.ok(cluster="C1", action="enter", hosts=["esx5"])
    done = evacuation.ok(cluster="C1", action="rolling")
    assert done["done"] == ["esx5", "esx4"]
    assert evacuation.steps() == [LEAVE, ENTER, LEAVE]
    # What prevents that for the other one is found when the first is back, and stops the run then.
    evacuation.ok(cluster="C1", action="enter", hosts=["esx5"])
    evacuation.site.make(VMS[1], host="esx4", devices=[serial_port()])
    stopped = evacuation.run(cluster="C1", action="rolling")
    assert stopped.code != 0
    assert f"esx4: /DC0/vm/{VMS[1]}: " in stopped.last.msg
    assert "Stop if anything prevents maintenance mode" in stopped.last.msg
    assert "Done: esx5. Remaining: esx4." in stopped.last.msg
    assert evacuation.steps() == [LEAVE]


def test_a_pause_ends_the_run_and_the_next_one_continues(evacuation: Evacuation) -> None:
    for pause in ("stop", "prompt"):  # nobody answers the prompt
        stopped = evacuation.ok(action="rolling", pause=pause)
        assert (stopped["stopped"], stopped["done"], stopped["remaining"]) == (True, ["esx1"], ["esx2", "esx3"])
        assert 'with evacuate_skip: ["esx1"]' in stopped["msg"]
        assert evacuation.steps() == [ENTER, LEAVE]
    continued = evacuation.ok(action="rolling", skip=stopped["done"])
    assert (continued["stopped"], continued["done"]) == (False, ["esx2", "esx3"])


def test_hosts_that_have_reached_the_version_are_done(evacuation: Evacuation) -> None:
    build = evacuation.site.ok("cluster_info", cluster="C0")["clusters"][0]["hosts"][0]["build"]
    done = evacuation.run(action="rolling", until={"build": build}).ok()
    assert "changed=0 " in done.output
    assert result_of(done)["left_out"] == HOSTS
    # A host that an interrupted run has left in maintenance mode is taken out, without the tasks.
    evacuation.ok(action="enter", hosts=["esx2"])
    fail = evacuation.tasks({"name": "Upgrade", "ansible.builtin.fail": {"msg": "It was done already."}})
    assert evacuation.ok(action="rolling", until={"build": build}, tasks=fail)["done"] == ["esx2"]
    assert evacuation.inside() == []


def test_a_host_that_has_not_reached_the_version_stays_in_maintenance_mode(evacuation: Evacuation) -> None:
    failed = evacuation.run(action="rolling", until={"build": "99999999"})
    assert failed.code != 0
    assert 'evacuate_until is {"build": "99999999"}' in failed.last.msg
    assert evacuation.inside() == ["esx1"]


def test_a_mandatory_rule_that_is_newly_violated_stops_the_run(evacuation: Evacuation) -> None:
    evacuation.site.make(VMS[0], host="esx2")
    tasks = evacuation.tasks(
        {
            "name": "Bind a VM that DRS does not move to another host",
            "gantry.vsphere.drs_ruleset": {
                "cluster": "C0",
                "groups": [
                    {"name": "bound", "type": "vm", "members": [VMS[0]]},
                    {"name": "there", "type": "host", "members": ["esx3"]},
                ],
                "rules": [
                    {
                        "name": "bound",
                        "type": "vm_host_affinity",
                        "vm_group": "bound",
                        "host_group": "there",
                        "mandatory": True,
                    }
                ],
                "overrides": [{"vms": [VMS[0]], "automation_level": "manual"}],
            },
        }
    )
    failed = evacuation.run(action="rolling", tasks=tasks)
    assert failed.code != 0
    assert "rule bound: VMs of bound must be on those of there" in failed.last.msg
    assert "Done: esx1. Remaining: esx2, esx3." in failed.last.msg
    assert evacuation.inside() == []


def test_input_that_is_wrong_is_refused_before_any_change(evacuation: Evacuation) -> None:
    for variables, message in (
        ({"cluster": None}, "Neither evacuate_hosts nor evacuate_cluster is given"),
        ({"cluster": "C9"}, "no cluster 'C9'"),
        ({"hosts": ["esx9"]}, "no host 'esx9' in /DC0/host/C0"),
        ({"action": "enter"}, "evacuate_action is enter without evacuate_hosts"),
        ({"action": "rolling", "tasks": "/nowhere/upgrade.yml"}, "There is no file /nowhere/upgrade.yml"),
        ({"action": "rolling", "serial": 0}, "evacuate_serial is 0"),
        ({"action": "drain"}, "value of evacuate_action must be one of"),
        ({"action": "rolling", "until": {"built": "1"}}, "evacuate_until.built"),
    ):
        assert message in evacuation.refused(**variables), variables


def bind(site: Site, vm: str, host: str, *, mandatory: bool) -> None:
    """Bind a VM to a host by a rule."""
    site.ok(
        "drs_ruleset",
        cluster="C0",
        groups=[
            {"name": "bound", "type": "vm", "members": [vm]},
            {"name": "there", "type": "host", "members": [host]},
        ],
        rules=[
            {
                "name": "bound",
                "type": "vm_host_affinity",
                "vm_group": "bound",
                "host_group": "there",
                "mandatory": mandatory,
            }
        ],
    )

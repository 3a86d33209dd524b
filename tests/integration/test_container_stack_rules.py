# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the DRS rules of container_stack: made with the stack, changed with it, and removed with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStack
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules import apply
from devkit.console import ROOT
from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.drs import ClusterObserver, make
from tests.support.lab.images import Store
from tests.support.lab.interrupted import Kill, await_tasks, run_until_killed
from tests.support.lab.labs import open_lab
from tests.support.lab.least import assign, required_on
from tests.support.runtime import runtime_package

STACK = "container_stack"
PROJECT = "shop"
WRITE = "ReconfigureComputeResource_Task"
BUDGET = 20
PRIVILEGE = "Host.Inventory.EditCluster"
Service = dict[str, Any]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a lab with a cluster of four hosts, one of three and one of two."""
    inventory = {"hosts": 4, "clusters": {"C1": 3, "C2": 2}}
    with (
        open_lab(tmp_path_factory.mktemp("lab"), {"inventory": inventory}, running=None) as info,
        runtime_package(tmp_path_factory.mktemp("runtime")),
    ):
        yield info


@pytest.fixture(scope="module")
def clusters(lab: dict[str, Any]) -> Iterator[dict[str, ClusterObserver]]:
    with ExitStack() as stack:
        found = {name: ClusterObserver(lab, name) for name in lab["clusters"]}
        for one in found.values():
            stack.callback(one.close)
        yield found


@pytest.fixture
def options(
    lab: dict[str, Any], clusters: dict[str, ClusterObserver], builder: VmBuilder, store: Store, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """Return the options of the task besides the project. Afterwards nothing of it is left."""
    store.clear(lab["datastore"])
    builder.upload_bootstrap()
    yield {
        **lab["vcenter"],
        "cluster": lab["cluster"],
        "datastore": lab["datastore"],
        "networks": {"*": "VM Network"},
        "registry_tls_verify": False,
        "cache_path": str(tmp_path / "cache"),
    }
    drive("container_set", {**lab["vcenter"], "project": PROJECT, "state": "absent"})
    for cluster in clusters.values():
        cluster.clear()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the rules a second time without the pause: no other client changes them."""
    monkeypatch.setattr(apply, "_PAUSE", 0.0)


class Project:
    """A project whose services have an image that runs, and the tasks for it."""

    def __init__(self, options: dict[str, Any], lab: dict[str, Any], calls: Control) -> None:
        self.options = options
        self.image = lab["images"]["tiny"]
        self.calls = calls

    def run(self, services: dict[str, Service], *, check: bool = False, **more: Any) -> dict[str, Any]:
        self.calls.forget()
        return drive(STACK, self.task(services, **more), check=check)

    def task(self, services: dict[str, Service], **more: Any) -> dict[str, Any]:
        whole = {name: {"image": self.image, **service} for name, service in services.items()}
        return {**self.options, "definition": json.dumps({"name": PROJECT, "services": whole}), **more}

    def refused(self, services: dict[str, Service], **more: Any) -> str:
        result = self.run(services, **more)
        assert result.get("failed"), result
        assert "defect" not in result["msg"], result
        assert self.calls.mutating() == []
        return str(result["msg"])

    def converge(self, services: dict[str, Service], *, writes: int = 1, **more: Any) -> dict[str, Any]:
        """Return the result of the real run, which check mode predicts, and after which nothing is to do."""
        predicted = self.run(services, check=True, **more)
        assert "failed" not in predicted, predicted
        assert self.calls.mutating() == []
        done = self.run(services, **more)
        assert "failed" not in done, done
        assert self.calls.mutating().count(WRITE) == writes
        for key in ("actions", "diff", "rules", "warnings"):
            assert predicted.get(key) == done.get(key), key
        again = self.run(services, **more)
        assert (again["changed"], again["actions"], self.calls.mutating()) == (False, [], []), again
        assert (again["rules"], again.get("warnings")) == (done["rules"], done.get("warnings"))
        assert len(self.calls.methods()) <= BUDGET, self.calls.methods()
        return done


@pytest.fixture
def project(options: dict[str, Any], lab: dict[str, Any], calls: Control) -> Project:
    return Project(options, lab, calls)


def replicas(number: int, **more: Any) -> Service:
    return {"deploy": {"replicas": number, **more.pop("deploy", {})}, **more}


def placed(number: int = 1, **placement: Any) -> Service:
    return replicas(number, deploy={"placement": placement})


def separated(service: str, *groups: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """Return the rules that keep groups of replicas on different hosts, as vCenter has them."""
    facts = {"type": "vm_anti_affinity", "enabled": True, "mandatory": False}
    return {
        f"gantry:{PROJECT}:{service}:{index}": {**facts, "vms": [f"{PROJECT}-{service}-{one}" for one in group]}
        for index, group in enumerate(groups, start=1)
    }


def test_replicas_are_kept_on_different_hosts_as_long_as_there_are_several(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster = clusters[lab["cluster"]]
    services = {"web": replicas(5), "api": replicas(2), "db": {}}
    made = project.converge(services)
    # Fewer than there are hosts, so that one host can be evacuated.
    assert cluster.rules() == {**separated("web", (1, 2, 3), (4, 5)), **separated("api", (1, 2))}
    assert [one["name"] for one in made["rules"]] == ["gantry:shop:api:1", "gantry:shop:web:1", "gantry:shop:web:2"]
    assert made["rules"][2] == {
        "cluster": "/DC0/host/C0",
        "name": "gantry:shop:web:2",
        "type": "vm_anti_affinity",
        "mandatory": False,
        "containers": ["shop-web-4", "shop-web-5"],
        "host_group": None,
        "hosts": None,
    }
    assert "cluster C0: create vm_anti_affinity rule gantry:shop:web:1" in made["actions"]
    hosts = {one["name"]: one["host"] for one in made["containers"]}
    assert len({hosts[f"shop-web-{number}"] for number in (1, 2, 3)}) == 3
    assert hosts["shop-web-4"] != hosts["shop-web-5"]

    # A container that is replaced keeps its place in the rules, by a write of its own.
    replaced = project.run({**services, "api": replicas(2, storage_opt={"size": "64M"})})
    assert {one["name"]: one["effect"] for one in replaced["effects"]} == dict.fromkeys(
        ["shop-api-1", "shop-api-2"], "replaced"
    )
    assert cluster.rules() == {**separated("web", (1, 2, 3), (4, 5)), **separated("api", (1, 2))}

    services = {"web": replicas(2), "api": replicas(3, storage_opt={"size": "64M"}), "db": {}}
    project.converge(services)
    assert cluster.rules() == {**separated("web", (1, 2)), **separated("api", (1, 2, 3))}
    project.converge({**services, "web": replicas(1)})
    assert cluster.rules() == separated("api", (1, 2, 3))

    # The containers of a service that is gone stay, and so do their rules, until they are to be removed.
    project.converge({"db": {}}, writes=0)
    assert cluster.rules() == separated("api", (1, 2, 3))
    project.converge({"db": {}}, remove_orphans=True)
    assert cluster.rules() == {}

    project.converge({"web": replicas(2)}, remove_orphans=True)
    project.converge({"web": replicas(2)}, state="absent")
    assert cluster.rules() == {}


def test_the_rules_are_there_before_the_first_start_and_gone_before_the_removal(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    project.run({"web": replicas(2)})
    changes = project.calls.mutating()
    assert changes.index("CloneVM_Task") < changes.index(WRITE) < changes.index("PowerOnMultiVM_Task")
    project.run({"web": replicas(2)}, state="absent")
    changes = project.calls.mutating()
    assert changes.index(WRITE) < changes.index("Destroy_Task")
    assert clusters[lab["cluster"]].rules() == {}


def test_a_stack_that_is_killed_anywhere_gets_and_loses_its_rules_in_the_next_run(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any], builder: VmBuilder
) -> None:
    stack, cluster = ContainerStack(), clusters[lab["cluster"]]
    up, absent = project.task({"web": replicas(2)}), project.task({}, state="absent")
    changes = (run_until_killed(stack, up), run_until_killed(stack, absent))
    for wanted, number, rules in ((up, changes[0], separated("web", (1, 2))), (absent, changes[1], {})):
        other = absent if wanted is up else up
        assert number is not None
        for after in range(number):
            drive(STACK, other)
            run_until_killed(stack, wanted, Kill(after, at_once=False))
            await_tasks(builder)
            drive(STACK, wanted)
            assert cluster.rules() == rules, after


def test_a_host_can_be_evacuated(project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]) -> None:
    services = {"web": replicas(5)}
    project.converge(services, cluster="C1")
    assert clusters["C1"].rules() == separated("web", (1, 2), (3, 4))
    host = {"host": lab["clusters"]["C1"][0], "timeout": 60}
    entered = drive("host_maintenance", {**lab["vcenter"], **host, "state": "present"})
    try:
        assert entered["changed"], entered
        # What the stack has is not changed, because the host comes back.
        project.converge(services, cluster="C1", writes=0)
    finally:
        left = drive("host_maintenance", {**lab["vcenter"], **host, "state": "absent"})
    assert left["changed"], left


@pytest.mark.parametrize(
    ("service", "more"),
    [
        (replicas(2), {"anti_affinity": False}),
        (replicas(2, **{"x-gantry": {"anti_affinity": False}}), {}),
        # With two hosts, one of two replicas could not leave its host.
        (replicas(2), {"cluster": "C2"}),
        (replicas(2, **{"x-gantry": {"cluster": "C2"}}), {}),
        (replicas(2, deploy={"mode": "replicated-job"}, entrypoint=["lab-guest", '{"run_ms": 1}'], command=[]), {}),
    ],
)
def test_there_are_cases_without_a_rule(
    project: Project, clusters: dict[str, ClusterObserver], service: Service, more: dict[str, Any]
) -> None:
    assert project.converge({"web": service}, writes=0, **more)["rules"] == []
    assert [one.rules() for one in clusters.values()] == [{}, {}, {}]


def test_a_service_can_have_what_the_task_does_not_want(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    services = {
        "web": replicas(2, **{"x-gantry": {"anti_affinity": True}}),
        "api": placed(2, preferences=[{"spread": "node.hostname"}]),
        "db": replicas(2),
    }
    project.converge(services, anti_affinity=False)
    assert clusters[lab["cluster"]].rules() == {**separated("web", (1, 2)), **separated("api", (1, 2))}


def test_each_cluster_has_the_rules_of_its_containers(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    services = {"web": replicas(2), "api": replicas(2, **{"x-gantry": {"cluster": "C1"}})}
    project.converge(services, writes=2)
    assert clusters[lab["cluster"]].rules() == separated("web", (1, 2))
    assert clusters["C1"].rules() == separated("api", (1, 2))
    project.converge(services, writes=2, state="absent")
    assert clusters["C1"].rules() == {}


def test_a_container_that_was_moved_to_another_cluster_is_in_the_rules_there(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    services = {"web": replicas(4)}
    project.converge(services)
    moved = {"vms": ["shop-web-1", "shop-web-2"], "cluster": "C1"}
    assert drive("vm_vmotion", {**lab["vcenter"], **moved})["changed"]
    done = project.converge(services, writes=2)
    assert clusters[lab["cluster"]].rules() == separated("web", (3, 4))
    assert clusters["C1"].rules() == separated("web", (1, 2))
    assert [one["cluster"] for one in done["rules"]] == ["/DC0/host/C0", "/DC0/host/C1"]
    project.converge(services, writes=2, state="absent")


def test_a_user_who_may_not_write_rules_is_warned_and_the_stack_runs(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any], builder: VmBuilder
) -> None:
    services = {"web": replicas(2), "api": replicas(2)}
    cluster = clusters[lab["cluster"]]
    manager = builder.session.content.authorizationManager
    allowed = [one for one in required_on(STACK, "ClusterComputeResource") if one != PRIVILEGE]
    with assign(manager, STACK, [cluster.cluster], allowed):
        (warning,) = project.converge(services, writes=0)["warnings"]
        assert cluster.rules() == {}
        assert f"this user lacks {PRIVILEGE} on the cluster: gantry:shop:api:1, gantry:shop:web:1." in warning
        assert "The project needs" in project.refused({**services, "db": placed(constraints=["node.hostname == esx1"])})
        assert "warnings" not in project.converge(services, writes=0, anti_affinity=False)
    project.converge(services)
    with assign(manager, STACK, [cluster.cluster], allowed):
        # What is there already needs no privilege, and what cannot be removed is named.
        assert "warnings" not in project.converge(services, writes=0)
        (warning,) = project.run(services, state="absent")["warnings"]
        assert f"stay because this user lacks {PRIVILEGE} on the cluster: gantry:shop:api:1, gantry" in warning
    assert [rule["vms"] for rule in cluster.rules().values()] == [[], []]
    project.converge(services, state="absent")
    assert cluster.rules() == {}


def test_without_drs_there_are_no_rules_and_what_needs_them_is_refused(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster = clusters[lab["cluster"]]
    cluster.write(drsConfig=make("DrsConfigInfo", enabled=False))
    try:
        project.converge({"web": replicas(2)}, writes=0)
        message = project.refused({"web": replicas(2), "db": placed(constraints=["node.hostname != esx1"])})
        assert "services.db has deploy.placement.constraints: /DC0/host/C0 has no DRS, or it is disabled." in message
        assert "max_replicas_per_node" in project.refused({"web": placed(2, max_replicas_per_node=1)})
    finally:
        cluster.write(drsConfig=make("DrsConfigInfo", enabled=True))
    project.converge({"web": replicas(2)})
    assert cluster.rules() == separated("web", (1, 2))


def test_constraints_become_rules_between_containers_and_hosts(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster, (first, second, *_more) = clusters[lab["cluster"]], lab["hosts"]
    one = placed(constraints=[f"node.hostname == {first.upper()}", f"node.hostname != {second}"])
    services = {
        "db": {**one, "x-gantry": {"mandatory": True}},
        "web": placed(2, constraints=[f"node.hostname!={second}"]),
    }
    made = project.converge(services)
    assert cluster.groups() == {
        "gantry:shop:db": ("vm", ["shop-db-1"]),
        "gantry:shop:db:hosts": ("host", [first]),
        "gantry:shop:web": ("vm", ["shop-web-1", "shop-web-2"]),
        "gantry:shop:web:hosts": ("host", [second]),
    }
    rule = {"type": "vm_host_affinity", "enabled": True, "mandatory": True}
    assert cluster.rules() == {
        "gantry:shop:db:hosts": {**rule, "vm_group": "gantry:shop:db", "host_group": "gantry:shop:db:hosts"},
        "gantry:shop:web:hosts": {
            **rule,
            "type": "vm_host_anti_affinity",
            "mandatory": False,
            "vm_group": "gantry:shop:web",
            "host_group": "gantry:shop:web:hosts",
        },
        **separated("web", (1, 2)),
    }
    assert (made["rules"][0]["containers"], made["rules"][0]["hosts"]) == (["shop-db-1"], [first])
    project.converge({**services, "db": placed(constraints=[f"node.hostname == {second}"])})
    assert cluster.groups()["gantry:shop:db:hosts"] == ("host", [second])
    project.converge({"db": {}, "web": {}})
    assert (cluster.groups(), cluster.rules()) == ({}, {})
    message = project.refused({"db": placed(constraints=["node.hostname == esx99"])})
    assert message.startswith("definition:1: services.db has deploy.placement.constraints: There is no host 'esx99'")


def test_the_hosts_of_a_group_are_shared_by_its_services(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster = clusters[lab["cluster"]]
    service = replicas(3, **{"x-gantry": {"host_group": "licensed", "mandatory": True}})
    assert "has no host group licensed. There are: none." in project.refused({"db": service})
    group = {"cluster": lab["cluster"], "name": "licensed", "type": "host", "members": lab["hosts"][:3]}
    assert drive("drs_group", {**lab["vcenter"], **group})["changed"]
    project.converge({"db": service})
    assert cluster.rules() == {
        "gantry:shop:db:hosts": {
            "type": "vm_host_affinity",
            "enabled": True,
            "mandatory": True,
            "vm_group": "gantry:shop:db",
            "host_group": "licensed",
        },
        # Of three hosts, one can be evacuated.
        **separated("db", (1, 2)),
    }
    project.converge({"db": service}, state="absent")
    assert (list(cluster.groups()), cluster.rules()) == (["licensed"], {})


def test_one_replica_per_host_is_a_single_rule_if_there_are_enough_hosts(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    project.converge({"web": placed(4, max_replicas_per_node=1)})
    assert clusters[lab["cluster"]].rules() == separated("web", (1, 2, 3, 4))
    message = project.refused({"web": placed(5, max_replicas_per_node=1)})
    assert "there are 5 replicas, and the service can use 4 of the 4 hosts of /DC0/host/C0 now" in message


def test_names_of_others_are_not_taken_over(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any], calls: Control
) -> None:
    cluster = clusters[lab["cluster"]]
    calls.add_vms(2, "other-")
    try:
        rule = {"name": "gantry:shop:web:1", "type": "vm_anti_affinity", "vms": ["other-0", "other-1"]}
        assert drive("drs_rule", {**lab["vcenter"], "cluster": lab["cluster"], **rule})["changed"]
        before = cluster.rules()
        message = project.refused({"web": replicas(2)})
        assert "gantry:shop:web:1 in /DC0/host/C0 has the name of a rule or group of this stack, and no cont" in message
        project.converge({"web": replicas(1)}, writes=0)
        project.converge({"web": replicas(1)}, state="absent", writes=0)
        assert cluster.rules() == before
    finally:
        cluster.clear()
        cluster.destroy("other-")


def test_a_rule_of_others_has_precedence(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster = clusters[lab["cluster"]]
    project.converge({"web": replicas(2), "api": replicas(2)})
    together = {"name": "together", "type": "vm_affinity", "vms": ["shop-web-1", "shop-web-2"]}
    apart = {"name": "gantry:shop:web:1", "state": "absent"}
    task = {**lab["vcenter"], "cluster": lab["cluster"], "rules": [together, apart]}
    assert drive("drs_ruleset", task)["changed"]
    (warning,) = project.converge({"web": replicas(2), "api": replicas(3)})["warnings"]
    assert "has no rule gantry:shop:web:1 that keeps replicas on different hosts, because it would contrad" in warning
    assert sorted(cluster.rules()) == ["gantry:shop:api:1", "together"]


def test_what_was_removed_by_hand_is_removed_from_the_rules(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    cluster = clusters[lab["cluster"]]
    project.converge({"web": replicas(2)})
    cluster.destroy("shop-web-1")
    assert cluster.rules()["gantry:shop:web:1"]["vms"] == ["shop-web-2"]
    project.converge({"web": replicas(2)})
    assert cluster.rules() == separated("web", (1, 2))
    cluster.destroy("shop-web-")
    assert cluster.rules()["gantry:shop:web:1"]["vms"] == []
    project.converge({"web": replicas(2)}, state="absent")
    assert cluster.rules() == {}


def test_the_example_of_the_guide_runs(
    project: Project, clusters: dict[str, ClusterObserver], lab: dict[str, Any]
) -> None:
    """Only the images and the names of what is in vCenter are those of the lab."""
    page = (ROOT / "docs" / "docsite" / "rst" / "guide_compose.rst").read_text()
    found = re.search(r"Settings of vSphere\n-+\n.*?code-block:: yaml\n\n(.*?)\n\n\S", page, re.DOTALL)
    assert found is not None
    text = re.sub(r"registry\.example\.com/\w+:\d+", project.image, found[1])
    for name, real in (("Cluster1", "C0"), ("fast1", lab["datastore"]), ("Shop front", "VM Network")):
        assert name in text
        text = text.replace(name, real)
    given = yaml.safe_load(text)
    group = {"cluster": lab["cluster"], "name": "licensed", "type": "host", "members": lab["hosts"][:2]}
    drive("drs_group", {**lab["vcenter"], **group})
    done = drive(STACK, {**project.options, "networks": {}, "definition": json.dumps({"name": PROJECT, **given})})
    assert "failed" not in done, done
    assert "gantry:shop:db:hosts" in clusters[lab["cluster"]].rules()

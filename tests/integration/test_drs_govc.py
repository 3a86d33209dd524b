# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that govc reads back what the DRS modules write, and that the modules accept what govc writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs, cluster_with_vms
from tests.support.lab.govc import Govc

PREFIX = "govc-"
VMS = [f"{PREFIX}{number}" for number in range(4)]
_TYPES = {
    "ClusterAffinityRuleSpec": "vm_affinity",
    "ClusterAntiAffinityRuleSpec": "vm_anti_affinity",
    "ClusterDependencyRuleInfo": "vm_dependency",
}
# The first test may wait for the build of govc.
pytestmark = pytest.mark.timeout(1800)
_LEVELS = {"manual": "manual", "partiallyAutomated": "partially_automated", "fullyAutomated": "fully_automated"}


class Client(Govc):
    """Reads the DRS configuration of one cluster with govc."""

    def __init__(self, lab: Mapping[str, Any], home: Path) -> None:
        super().__init__(lab, home)
        self.cluster = lab["cluster"]

    # -- in the form that the modules return, but with MoIDs only

    def groups(self) -> dict[str, tuple[str, set[str]]]:
        found = {}
        for group in self.read("cluster.group.ls", "-l", "-cluster", self.cluster) or []:
            kind = "host" if "host" in group else "vm"
            found[group["name"]] = (kind, {member["value"] for member in group[kind]})
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        (read,) = self.read("object.collect", f"/DC0/host/{self.cluster}", "configurationEx")
        types = self._types()
        return {rule["name"]: _rule(rule, types[rule["name"]]) for rule in read["val"].get("rule") or []}

    def overrides(self) -> dict[str, str]:
        found = self.read("cluster.override.info", "-cluster", self.cluster)["overrides"]
        return {
            one["drs"]["key"]["value"]: _LEVELS[one["drs"]["behavior"]] if one["drs"]["enabled"] else "disabled"
            for one in found.values()
        }

    def _types(self) -> dict[str, str]:
        """Return the types of the rules, which govc's JSON output lacks."""
        types, name = {}, ""
        for line in self("cluster.rule.info", "-cluster", self.cluster).splitlines():
            key, _colon, value = line.strip().partition(": ")
            if key == "Rule":
                name = value
            elif key == "Type":
                types[name] = value
        return types


def _rule(rule: Mapping[str, Any], kind: str) -> dict[str, Any]:
    away = kind == "ClusterVmHostRuleInfo" and not rule.get("affineHostGroupName")
    return {
        "type": _TYPES.get(kind) or ("vm_host_anti_affinity" if away else "vm_host_affinity"),
        "enabled": rule["enabled"],
        "mandatory": rule.get("mandatory", False),
        "vms": {vm["value"] for vm in rule.get("vm", [])},
        "vm_group": rule.get("vmGroupName") or rule.get("vmGroup"),
        "host_group": rule.get("antiAffineHostGroupName" if away else "affineHostGroupName"),
        "depends_on": rule.get("dependsOnVmGroup"),
    }


@pytest.fixture(scope="module")
def client(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(lab, tmp_path_factory.mktemp("govc"))


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    with cluster_with_vms(lab, len(VMS), PREFIX) as one:
        yield one


@pytest.fixture
def drs(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Drs]:
    yield Drs(lab, calls, observer)
    observer.clear()


def reported(drs: Drs) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """Return what drs_compliance_info reports, in the form that govc uses."""
    info = drs.ok("compliance_info")

    def moids(members: list[dict[str, Any]]) -> set[str]:
        return {member["moid"] for member in members}

    fields = ("type", "enabled", "mandatory", "vm_group", "host_group", "depends_on")
    return (
        {group["name"]: (group["type"], moids(group["members"])) for group in info["groups"]},
        {
            rule["name"]: {**{field: rule[field] for field in fields}, "vms": moids(rule["vms"])}
            for rule in info["rules"]
        },
        {one["moid"]: one["automation_level"] for one in info["overrides"]},
    )


def test_govc_reads_what_the_modules_write(drs: Drs, client: Client, lab: dict[str, Any]) -> None:
    ruleset: dict[str, Any] = {
        "groups": [
            {"name": "front", "type": "vm", "members": VMS[:2]},
            {"name": "back", "type": "vm", "members": VMS[2:]},
            {"name": "rack", "type": "host", "members": lab["hosts"][:2]},
        ],
        "rules": [
            {"name": "on", "type": "vm_host_affinity", "vm_group": "front", "host_group": "rack", "mandatory": True},
            {"name": "off", "type": "vm_host_anti_affinity", "vm_group": "back", "host_group": "rack"},
            {"name": "after", "type": "vm_dependency", "vm_group": "front", "depends_on": "back"},
            {"name": "apart", "type": "vm_anti_affinity", "vms": VMS[:2]},
            {"name": "together", "type": "vm_affinity", "vms": VMS[2:], "enabled": False},
        ],
        "overrides": [
            {"vms": VMS[:1], "automation_level": "disabled"},
            {"vms": VMS[1:2], "automation_level": "partially_automated"},
        ],
    }
    drs.ok("ruleset", **ruleset)
    groups, rules, overrides = reported(drs)
    assert (len(groups), len(rules), len(overrides)) == (3, 5, 2)
    assert client.groups() == groups
    assert client.rules() == rules
    assert client.overrides() == overrides
    # Changed types, toggles and removals leave nothing behind that only another client would see.
    drs.ok(
        "ruleset",
        rules=[
            {"name": "on", "type": "vm_host_anti_affinity", "mandatory": False},
            {"name": "apart", "type": "vm_affinity"},
            {"name": "together", "enabled": True},
            {"name": "off", "state": "absent"},
        ],
        overrides=[{"vms": VMS[:1], "automation_level": "manual"}, {"vms": VMS[1:2], "state": "absent"}],
    )
    groups, rules, overrides = reported(drs)
    assert rules.keys() == {"on", "after", "apart", "together"}
    assert client.groups() == groups
    assert client.rules() == rules
    assert client.overrides() == overrides


def test_the_modules_have_nothing_to_do_after_govc_has_written_the_same(
    drs: Drs, client: Client, lab: dict[str, Any]
) -> None:
    place = ("-cluster", client.cluster)
    client("cluster.group.create", *place, "-name", "front", "-vm", *VMS[:2])
    client("cluster.group.create", *place, "-name", "rack", "-host", *lab["hosts"][:2])
    client("cluster.rule.create", *place, "-name", "apart", "-enable", "-anti-affinity", *VMS[:2])
    bound = ("-vm-host", "-vm-group", "front", "-host-affine-group", "rack")
    client("cluster.rule.create", *place, "-name", "on", "-enable", "-mandatory", *bound)
    client("cluster.override.change", *place, "-vm", VMS[0], "-drs-enabled=true", "-drs-mode", "manual")
    result = drs.ok(
        "ruleset",
        groups=[
            {"name": "front", "type": "vm", "members": VMS[:2], "members_mode": "exact"},
            {"name": "rack", "type": "host", "members": lab["hosts"][:2], "members_mode": "exact"},
        ],
        rules=[
            {"name": "apart", "type": "vm_anti_affinity", "vms": VMS[:2]},
            {"name": "on", "type": "vm_host_affinity", "vm_group": "front", "host_group": "rack", "mandatory": True},
        ],
        overrides=[{"vms": VMS[:1], "automation_level": "manual"}],
    )
    assert result["actions"] == []

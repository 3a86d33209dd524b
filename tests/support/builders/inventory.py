# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders of inventories: rows as vCenter returns them, and two small inventories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory


@dataclass(frozen=True)
class Ref:
    """A stand-in for a managed object: lookups use only its type and id."""

    _wsdlName: str  # noqa: N815 - pyVmomi's name
    _moId: str  # noqa: N815


@dataclass(frozen=True)
class Property:
    name: str
    val: object


REFS = {
    moid: Ref(kind, moid)
    for kind, moids in {
        "Folder": "root vm1 vm2 f-apps f-apps2 f-web host1 host2 dsf netf netf2",
        "Datacenter": "dc1 dc2",
        "ClusterComputeResource": "c0 c1 c2",
        "ResourcePool": "rp0 rp1 rp2 p-prod p-web p-prod1",
        "Datastore": "ds0 ds1",
        "Network": "net0 net2",
        "DistributedVirtualPortgroup": "net1",
        "VmwareDistributedVirtualSwitch": "dvs1",
    }.items()
    for moid in moids.split()
}
_TREE = """
root Datacenters
dc1 DC0 root vmFolder=vm1 hostFolder=host1 datastoreFolder=dsf networkFolder=netf
dc2 DC1 root vmFolder=vm2 hostFolder=host2 networkFolder=netf2
vm1 vm dc1
vm2 vm dc2
f-apps apps vm1
f-apps2 apps2 vm1
f-web web f-apps
host1 host dc1
host2 host dc2
c0 C0 host1 resourcePool=rp0
c1 C1 host1 resourcePool=rp1
c2 C2 host2 resourcePool=rp2
rp0 Resources c0 owner=c0
rp1 Resources c1 owner=c1
rp2 Resources c2 owner=c2
p-prod prod rp0 owner=c0
p-web web p-prod owner=c0
p-prod1 prod rp1 owner=c1
dsf datastore dc1
ds0 shared0 dsf
ds1 shared1 dsf
netf network dc1
netf2 network dc2
net0 VM%20Network netf
dvs1 DSwitch netf uuid=dvs1-uuid
net1 backend netf key=net1-key config.distributedVirtualSwitch=dvs1
net2 VM%20Network netf2
"""


def _row(ref: Ref, name: str, parent: Ref | None = None, **properties: Any) -> Row:
    listed = [Property("name", name), *(Property(key, value) for key, value in properties.items())]
    if parent is not None:
        listed.append(Property("parent", parent))
    return Row(ref, listed)


def _tree_row(line: str) -> Row:
    moid, name, *rest = line.split()
    properties: dict[str, Any] = {}
    for item in rest:
        key, equals, value = item.rpartition("=")
        properties[key if equals else "parent"] = REFS.get(value, value)
    return _row(REFS[moid], name, **properties)


def small_inventory(*more: Row) -> Inventory:
    """Return two datacenters, the first with two clusters, nested folders and pools, and a network name used twice."""
    rows = [*(_tree_row(line) for line in _TREE.strip().splitlines()), *more]
    return Inventory(rows, vms=False, properties={})


def vm_row(
    moid: str,
    name: str,
    parent: str,
    *,
    labels: Mapping[str, str] | None = None,
    kind: str | None = None,
    uuid: str = "",
    instance_uuid: str = "",
    template: bool = False,
) -> Row:
    properties: dict[str, Any] = {
        "config.template": template,
        "config.uuid": uuid,
        "config.instanceUuid": instance_uuid,
    }
    if labels is not None:
        properties['config.extraConfig["gantry.labels"]'] = json.dumps(labels)
    if kind is not None:
        properties['config.extraConfig["gantry.kind"]'] = kind
    return _row(Ref("VirtualMachine", moid), name, Ref("Folder", parent), **properties)


STACK = {"com.docker.compose.project": "shop"}


def same_names_inventory() -> Inventory:
    """Return two datacenters with VMs of the same names."""
    rows = [
        _row(Ref("Folder", "root"), "Datacenters"),
        _row(Ref("Datacenter", "dc1"), "DC0", Ref("Folder", "root"), vmFolder=Ref("Folder", "f1")),
        _row(Ref("Datacenter", "dc2"), "DC1", Ref("Folder", "root"), vmFolder=Ref("Folder", "f2")),
        _row(Ref("Folder", "f1"), "vm", Ref("Folder", "dc1")),
        _row(Ref("Folder", "f2"), "vm", Ref("Folder", "dc2")),
        _row(Ref("Folder", "f-app"), "app", Ref("Folder", "f1")),
        _row(Ref("Folder", "f-app2"), "app2", Ref("Folder", "f1")),
        vm_row("v1", "web", "f-app", labels={**STACK, "tier": "front"}, kind="container", uuid="a" * 32),
        vm_row("v2", "web", "f-app2", labels={**STACK, "tier": "back"}, kind="container"),
        vm_row("v3", "db", "f1", uuid="11111111-1111-1111-1111-111111111111"),
        vm_row("v4", "db2", "f2", instance_uuid="11111111-1111-1111-1111-111111111111"),
        vm_row("v5", "gold", "f1", template=True, labels=STACK, kind="container"),
        vm_row("v6", "next", "f1", labels=STACK, kind="successor"),
        vm_row("v7", "a%2fb", "f1"),
    ]
    return Inventory(rows, vms=True, properties={})

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small inventory for the tests of placement: two datacenters with VMs of the same names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory


@dataclass(frozen=True)
class Ref:
    """Stands for a managed object: lookups look at nothing but its type and id."""

    _wsdlName: str  # noqa: N815 - pyVmomi's name
    _moId: str  # noqa: N815


@dataclass(frozen=True)
class Property:
    name: str
    val: object


def _row(kind: str, moid: str, name: str, parent: str | None, **properties: Any) -> Row:
    listed = [Property("name", name), *(Property(key, value) for key, value in properties.items())]
    if parent is not None:
        listed.append(Property("parent", Ref("Folder", parent)))
    return Row(Ref(kind, moid), listed)


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
    return _row("VirtualMachine", moid, name, parent, **properties)


STACK = {"com.docker.compose.project": "shop"}


def same_names_inventory() -> Inventory:
    """Two datacenters with VMs of the same names."""
    folder = lambda moid: Ref("Folder", moid)  # noqa: E731
    rows = [
        _row("Folder", "root", "Datacenters", None),
        _row("Datacenter", "dc1", "DC0", "root", vmFolder=folder("f1")),
        _row("Datacenter", "dc2", "DC1", "root", vmFolder=folder("f2")),
        _row("Folder", "f1", "vm", "dc1"),
        _row("Folder", "f2", "vm", "dc2"),
        _row("Folder", "f-app", "app", "f1"),
        _row("Folder", "f-app2", "app2", "f1"),
        vm_row("v1", "web", "f-app", labels={**STACK, "tier": "front"}, kind="container", uuid="a" * 32),
        vm_row("v2", "web", "f-app2", labels={**STACK, "tier": "back"}, kind="container"),
        vm_row("v3", "db", "f1", uuid="11111111-1111-1111-1111-111111111111"),
        vm_row("v4", "db2", "f2", instance_uuid="11111111-1111-1111-1111-111111111111"),
        vm_row("v5", "gold", "f1", template=True, labels=STACK, kind="container"),
        vm_row("v6", "next", "f1", labels=STACK, kind="successor"),
        vm_row("v7", "a%2fb", "f1"),
    ]
    return Inventory(rows, vms=True, properties={})

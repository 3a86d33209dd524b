# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders for the container tests: a task's parameters and a small inventory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    Config,
    ContainerPlace,
    DesiredContainer,
    Image,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory


def task(**options: Any) -> dict[str, Any]:
    """A task's parameters as AnsibleModule would hand them over."""
    result = ArgumentSpecValidator(container_argument_spec()).validate({"name": "web", **options})
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def desired_container(**options: Any) -> DesiredContainer:
    return desire_container(task(**options))


def entry(moid: str, type_name: str, name: str) -> Entry:
    return Entry(name=name, path=f"/DC0/{name}", type_name=type_name, moid=moid, ref=None)


# What plans are made of: the places that there are, and two images.
DATACENTER = entry("dc", "Datacenter", "DC0")
DATASTORES = [entry(f"ds{n}", "Datastore", f"shared{n}") for n in range(2)]
FOLDERS = [entry(f"f{n}", "Folder", f"folder{n}") for n in range(2)]
SPARE = "[shared0] gantry/bootstrap/new.iso"
POOLS = [entry(f"p{n}", "ResourcePool", f"pool{n}") for n in range(2)]
NETWORKS = [entry(f"net{n}", "Network", f"net{n}") for n in range(3)]
CLUSTER = entry("c0", "ClusterComputeResource", "C0")
OTHER_CLUSTER = entry("c1", "ClusterComputeResource", "C1")
CONFIG = {"Cmd": ["serve"], "Healthcheck": {"Test": ["CMD", "true"]}}
IMAGES = [
    Image(f"vm-{n}", f"gantry-image-{n}", f"sha256:{n}", f"disk{n}", (f"image:{n}",), CONFIG, DATASTORES[0], "snap")
    for n in range(2)
]
PLACE = ContainerPlace(
    datacenter=DATACENTER,
    networks=(NETWORKS[0],),
    folder=FOLDERS[0],
    pool=POOLS[0],
    cluster=CLUSTER,
    datastore=DATASTORES[0],
    bootstrap="[shared0] gantry/bootstrap/a.iso",
)


def place_of(config: Config) -> ContainerPlace:
    """A place with the networks of a configuration."""
    return replace(PLACE, networks=tuple(entry(network.name, "Network", network.name) for network in config.networks))


def config_of(**options: Any) -> Config:
    config = desired_container(image="nginx:1", **options).config
    assert config is not None
    return config


@dataclass(frozen=True)
class Ref:
    """Stands for a managed object: lookups look at nothing but its type and id."""

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
net1 backend netf
net2 VM%20Network netf2
"""


def _row(line: str) -> Row:
    moid, name, *rest = line.split()
    properties: list[Property] = [Property("name", name)]
    for item in rest:
        key, equals, value = item.rpartition("=")
        properties.append(Property(key if equals else "parent", REFS[value]))
    return Row(REFS[moid], properties)


def small_inventory() -> Inventory:
    """Two datacenters, the first with two clusters, nested folders and pools, and a network of a common name."""
    rows = [_row(line) for line in _TREE.strip().splitlines()]
    return Inventory(rows, vms=False, properties={})

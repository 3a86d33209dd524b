# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builders for the container tests: a task's parameters and what they parse to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    DesiredContainer,
    Image,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import (
    Config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry


def task(**options: Any) -> dict[str, Any]:
    """Return a task's parameters as AnsibleModule would pass them."""
    result = ArgumentSpecValidator(container_argument_spec()).validate({"name": "web", **options})
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def desired_container(**options: Any) -> DesiredContainer:
    return desire_container(task(**options))


def entry(moid: str, type_name: str, name: str) -> Entry:
    return Entry(name=name, path=f"/DC0/{name}", type_name=type_name, moid=moid, ref=None)


# The inputs of plans: places and two images.
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
    """Return a place with the networks and the volumes of a configuration."""
    return replace(
        PLACE,
        networks=tuple(entry(network.name, "Network", network.name) for network in config.networks),
        volumes=tuple(volume(option.source) for option in config.volumes),
    )


def volume(name: str, **users: str) -> NamedVolume:
    """Return a volume that exists, with the paths of its users by their MoIDs."""
    return NamedVolume(name=name, id=f"id-of-{name}", datastore=DATASTORES[0], users=users)


def config_of(**options: Any) -> Config:
    config = desired_container(image="nginx:1", **options).config
    assert config is not None
    return config

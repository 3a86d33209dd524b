# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the container tests: a task's parameters and a small inventory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gantry.vsphere.plugins.module_utils._container.argspec import container_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import parse_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.inventory import Inventory, Node
from ansible_collections.gantry.vsphere.plugins.module_utils._container.spec import Config, DesiredContainer


def task(**options: Any) -> dict[str, Any]:
    """A task's parameters as AnsibleModule would hand them over."""
    result = ArgumentSpecValidator(container_argument_spec()).validate({"name": "web", **options})
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def desired_container(**options: Any) -> DesiredContainer:
    return parse_container(task(**options))


def config_of(**options: Any) -> Config:
    config = desired_container(image="nginx:1", **options).config
    assert config is not None
    return config


@pytest.fixture
def inventory() -> Inventory:
    """Two datacenters, the first with two clusters, nested folders and pools, and a network of a common name."""
    return Inventory(
        [
            Node("dc1", "Datacenter", "DC0", "root"),
            Node("dc2", "Datacenter", "DC1", "root"),
            Node("vm1", "Folder", "vm", "dc1"),
            Node("vm2", "Folder", "vm", "dc2"),
            Node("apps", "Folder", "apps", "vm1"),
            Node("apps2", "Folder", "apps2", "vm1"),
            Node("web", "Folder", "web", "apps"),
            Node("host1", "Folder", "host", "dc1"),
            Node("host2", "Folder", "host", "dc2"),
            Node("c0", "ClusterComputeResource", "C0", "host1"),
            Node("c1", "ClusterComputeResource", "C1", "host1"),
            Node("c2", "ClusterComputeResource", "C2", "host2"),
            Node("rp0", "ResourcePool", "Resources", "c0"),
            Node("rp1", "ResourcePool", "Resources", "c1"),
            Node("rp2", "ResourcePool", "Resources", "c2"),
            Node("prod", "ResourcePool", "prod", "rp0"),
            Node("prod-web", "ResourcePool", "web", "prod"),
            Node("prod1", "ResourcePool", "prod", "rp1"),
            Node("dsf", "Folder", "datastore", "dc1"),
            Node("ds0", "Datastore", "shared0", "dsf"),
            Node("ds1", "Datastore", "shared1", "dsf"),
            Node("netf", "Folder", "network", "dc1"),
            Node("netf2", "Folder", "network", "dc2"),
            Node("net0", "Network", "VM Network", "netf"),
            Node("net1", "DistributedVirtualPortgroup", "backend", "netf"),
            Node("net2", "Network", "VM Network", "netf2"),
        ]
    )

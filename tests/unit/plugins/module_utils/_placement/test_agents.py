# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that agent VMs are recognized, and no VM of a user is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import AGENT_PROPERTIES, is_agent
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

VCLS = "vCLS-4c4c4544-004d-3010-8056-b2c04f4d3333"


def vm(name: str, *, manager: str | None = None, guest: str = "other3xLinux64Guest") -> Entry:
    managed_by = None if manager is None else vim.ext.ManagedByInfo(extensionKey=manager, type="cluster-agent")
    properties: dict[str, Any] = {"config.managedBy": managed_by, "config.guestId": guest}
    assert set(properties) == set(AGENT_PROPERTIES)
    return Entry(name, f"/DC0/vm/{name}", "VirtualMachine", "vm-1", None, properties=properties)


@pytest.mark.parametrize(
    "agent",
    [
        vm("vCLS (1)", manager="com.vmware.vim.eam"),
        vm("vSAN File Service Node (1)", manager="com.vmware.vim.eam"),
        vm("pod", guest="crxPod1Guest"),
        vm("system", guest="crxSys1Guest"),
        vm(VCLS),
        Entry(VCLS, f"/DC0/vm/{VCLS}", "VirtualMachine", "vm-1", None),
    ],
    ids=lambda one: one.name,
)
def test_agents_are_recognized(agent: Entry) -> None:
    assert is_agent(agent)


@pytest.mark.parametrize(
    "other",
    [vm("web"), vm("vCLS-monitor"), vm(f"{VCLS}-copy"), vm("tkg-1", manager="com.vmware.vcenter.wcp")],
    ids=lambda one: one.name,
)
def test_vms_of_users_are_no_agents(other: Entry) -> None:
    assert not is_agent(other)

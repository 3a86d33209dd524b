# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recognize agent VMs, which vCenter itself creates, moves, stops and removes. Pure.

VMs of vSphere Cluster Services (vCLS), of vSAN file services and of NSX are agent VMs. When their host enters
maintenance mode, vCenter stops them or moves them; those that run in the CRX runtime cannot be moved or reconfigured
at all (Broadcom KB 370222). VMs that users create in a Supervisor are no agent VMs: they can be moved as all others.
"""

from __future__ import annotations

import re

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

# The properties that is_agent needs.
AGENT_PROPERTIES = ("config.guestId", "config.managedBy")

_AGENT_MANAGER = "com.vmware.vim.eam"
# vSphere Pods, and the system VMs of ESXi, among them vCLS since 8.0 U3 (VirtualMachineGuestOsIdentifier).
_CRX_GUESTS = ("crxPod1Guest", "crxSys1Guest")
# For users who cannot read a VM's configuration.
_VCLS_NAME = re.compile(r"vCLS-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_agent(vm: Entry) -> bool:
    """Return whether vCenter manages the VM itself; the entry has its AGENT_PROPERTIES."""
    manager = getattr(vm.properties.get("config.managedBy"), "extensionKey", None)
    return (
        manager == _AGENT_MANAGER
        or vm.properties.get("config.guestId") in _CRX_GUESTS
        or _VCLS_NAME.fullmatch(vm.name) is not None
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the container that a program is to run in: two requests, whatever the inventory's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    REPORTED_PROPERTIES,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve import find_datacenter, find_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ObservedExec, Selection
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import (
    HOST_CONFIG,
    MANAGER_PROPERTIES,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_exec(session: Session, selected: Selection) -> ObservedExec:
    """Return the VMs with the name of the container in the datacenter and the folder."""
    inventory = session.inventory(vms=True, properties={"HostSystem": [HOST_CONFIG]}, refresh=True)
    datacenter = find_datacenter(inventory, selected.datacenter)
    folder = find_folder(inventory, selected.folder, datacenter)
    entries = {
        entry.moid: entry
        for entry in inventory.vms(selected.name, datacenter=datacenter)
        if folder is None or entry.path.startswith(f"{folder.path}/")
    }
    if not entries:
        return ObservedExec(machines=())
    manager = session.content.guestOperationsManager
    rows = session.read(
        [manager, *(entry.ref for entry in entries.values())],
        {"GuestOperationsManager": MANAGER_PROPERTIES, "VirtualMachine": REPORTED_PROPERTIES},
    )
    by_moid = {row.moid: row for row in rows}
    managers = by_moid.pop(moid_of(manager))
    return ObservedExec(
        machines=tuple(decode_machine(inventory, entries[moid], row) for moid, row in by_moid.items()),
        managers=managers,
        host_configs={host.name.lower(): host.properties.get(HOST_CONFIG) for host in inventory.all("HostSystem")},
    )

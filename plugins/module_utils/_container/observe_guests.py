# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe containers whose guests a task reaches: a fixed number of requests, whatever the inventory's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    REPORTED_PROPERTIES,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.guest_access import Guests
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve import find_datacenter, find_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import (
    HOST_CONFIG,
    MANAGER_PROPERTIES,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_guests(
    session: Session,
    names: Sequence[str],
    *,
    datacenter: str | None,
    folder: str | None,
    properties: Sequence[str] = (),
) -> Guests:
    """Return the VMs with these names in the datacenter and the folder. ``properties`` are read in addition."""
    inventory = session.inventory(vms=True, properties={"HostSystem": [HOST_CONFIG]}, refresh=True)
    found = find_datacenter(inventory, datacenter)
    within = find_folder(inventory, folder, found)
    entries = {
        entry.moid: entry
        for name in names
        for entry in inventory.vms(name, datacenter=found)
        if within is None or entry.path.startswith(f"{within.path}/")
    }
    if not entries:
        return Guests(machines=())
    manager = session.content.guestOperationsManager
    rows = session.read(
        [manager, *(entry.ref for entry in entries.values())],
        {"GuestOperationsManager": MANAGER_PROPERTIES, "VirtualMachine": [*REPORTED_PROPERTIES, *properties]},
    )
    by_moid = {row.moid: row for row in rows}
    managers = by_moid.pop(moid_of(manager))
    return Guests(
        machines=tuple(decode_machine(inventory, entries[moid], row) for moid, row in by_moid.items()),
        managers=managers,
        host_configs={host.name.lower(): host.properties.get(HOST_CONFIG) for host in inventory.all("HostSystem")},
    )

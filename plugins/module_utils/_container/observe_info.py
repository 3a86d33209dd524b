# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the selected containers: a fixed number of requests, whatever the inventory's size.

Only ends that are read from disks, and events, take requests for each container.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    DEVICES_PROPERTY,
    LOG_PROPERTIES,
    REPORTED_PROPERTIES,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerSelection, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_events import observe_events
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_exit import observe_exits
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_usage import observe_usage
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve import find_datacenter, find_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_container_info(session: Session, desired: ContainerSelection) -> Sequence[Machine]:
    """Return the containers in the order of their paths; those removed in the meantime are left out."""
    # Two keys of every VM, in the one read of the inventory: its kind and its labels.
    paths = [keys.option_path(keys.KIND), keys.option_path(keys.LABELS)]
    inventory = session.inventory(vms=True, properties={"VirtualMachine": paths})
    chosen = [entry for entry in _within(inventory, desired) if _is_wanted(entry, desired)]
    if not chosen:
        return []
    properties = [*REPORTED_PROPERTIES]
    properties += [DEVICES_PROPERTY] * desired.devices
    if desired.logs:
        properties += LOG_PROPERTIES
    rows = {row.moid: row for row in session.read([entry.ref for entry in chosen], properties)}
    machines = [
        decode_machine(inventory, entry, rows[entry.moid])
        for entry in sorted(chosen, key=lambda entry: entry.path)
        if entry.moid in rows
    ]
    if desired.exit_from_disk:
        machines = observe_exits(session, machines)
    if desired.usage_minutes:
        machines = observe_usage(session, machines, desired.usage_minutes)
    if desired.events:
        machines = observe_events(session, machines, desired.events)
    return machines


def _within(inventory: Inventory, desired: ContainerSelection) -> list[Entry]:
    datacenter = find_datacenter(inventory, desired.datacenter)
    folder = find_folder(inventory, desired.folder, datacenter)
    entries = inventory.vms(datacenter=datacenter)
    return entries if folder is None else [entry for entry in entries if entry.path.startswith(f"{folder.path}/")]


def _is_wanted(entry: Entry, desired: ContainerSelection) -> bool:
    if keys.option(entry.properties, keys.KIND) != KIND_CONTAINER:
        return False
    labels = keys.decode_labels(keys.option(entry.properties, keys.LABELS))
    named = desired.names is None or entry.name in desired.names
    labeled = desired.label is None or desired.label in labels
    return named and labeled and all(labels.get(key) == value for key, value in desired.labels.items())

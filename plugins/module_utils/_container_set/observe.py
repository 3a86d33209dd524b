# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe a project: its listed containers, and by their label those that are no longer listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    NEW,
    DesiredContainer,
    Image,
    ObservedContainer,
    PlacementOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import (
    INVENTORY_PROPERTIES,
    observe_containers,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    ENTRY_LABEL,
    PROJECT_LABEL,
    DesiredSet,
    ObservedSet,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import (
    KINDS_OF_CONTAINERS,
    PREDECESSOR_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_set(session: Session, desired: DesiredSet, *, refresh: bool = False) -> ObservedSet:
    """Return the project's containers: a fixed number of requests for any number of them."""
    paths = [keys.option_path(keys.KIND), keys.option_path(keys.LABELS)]
    inventory = session.inventory(
        vms=True, properties={**INVENTORY_PROPERTIES, "VirtualMachine": paths}, refresh=refresh
    )
    planned = _planned_images(inventory, desired)
    observed = observe_containers(
        session, desired.containers, planned_images=planned, planned_volumes=desired.planned_volumes
    )
    listed = {machine.moid for one in observed for machine in one.machines}
    others = [entry for entry in _of_project(inventory, desired) if entry.moid not in listed]
    unlisted = observe_containers(session, _removals(inventory, others)) if others else []
    return ObservedSet(tuple(observed), tuple(_without(one, listed) for one in unlisted))


def _without(observed: ObservedContainer, listed: set[str]) -> ObservedContainer:
    """Leave out a VM that is also listed, because another one has the same name in another folder."""
    return ObservedContainer(
        machine=None if observed.machine is None or observed.machine.moid in listed else observed.machine,
        successors=tuple(one for one in observed.successors if one.moid not in listed),
        predecessors=tuple(one for one in observed.predecessors if one.moid not in listed),
        pools=observed.pools,
    )


def _of_project(inventory: Inventory, desired: DesiredSet) -> list[Entry]:
    within = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    found = []
    for entry in inventory.vms(datacenter=within):
        if keys.option(entry.properties, keys.KIND) in KINDS_OF_CONTAINERS:
            labels = keys.decode_labels(keys.option(entry.properties, keys.LABELS))
            if labels.get(PROJECT_LABEL) == desired.project and labels.get(ENTRY_LABEL) not in desired.untouched:
                found.append(entry)
    return sorted(found, key=lambda entry: entry.path)


def _removals(inventory: Inventory, entries: Sequence[Entry]) -> list[DesiredContainer]:
    """Return the removal of each container. A successor whose predecessor is gone is one of its own."""
    wanted: dict[tuple[str, str, str], DesiredContainer] = {}
    for entry in entries:
        name = entry.name.removesuffix(SUCCESSOR_SUFFIX).removesuffix(PREDECESSOR_SUFFIX)
        folder, datacenter = inventory.entry(entry.parent or ""), inventory.entry(entry.datacenter or "")
        if folder is None or datacenter is None:
            raise GantryError(f"The folder of {entry.path} cannot be read. Check the privileges.")
        place = PlacementOption(datacenter=datacenter.path, folder=folder.path)
        key = (datacenter.path, folder.path, name)
        wanted[key] = DesiredContainer(name=name, state="absent", placement=place)
    return list(wanted.values())


def _planned_images(inventory: Inventory, desired: DesiredSet) -> list[Image]:
    if not desired.planned_images:
        return []
    datacenter = inventory.datacenter(desired.datacenter)
    return [
        Image(
            moid=NEW,
            name=image.name,
            digest=image.digest,
            disk=image.disk,
            references=(image.reference,),
            config=image.config,
            datastore=inventory.datastore(image.datastore, datacenter=datacenter),
            snapshot=NEW,
            datacenter=datacenter,
        )
        for image in desired.planned_images
    ]

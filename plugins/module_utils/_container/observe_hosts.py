# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the hosts for new container VMs: one request for any number of containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    DesiredContainer,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import needs_clone
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import host_for_new, new_vm
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import read_hosts
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_hosts(
    session: Session, inventory: Inventory, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """Add a host to the place of each VM to create, if one has to be named. Raise GantryError if no host fits."""
    new = {
        index: _new_vm(inventory, desired, one)
        for index, (desired, one) in enumerate(zip(wanted, observed, strict=True))
        if needs_clone(desired, one)
    }
    if not new:
        return list(observed)
    clusters = {vm.cluster for vm in new.values()}
    datastores = {moid for vm in new.values() for moid in vm.datastores}
    hosts = read_hosts(session, inventory, _entries(inventory, clusters), _entries(inventory, datastores))
    result = list(observed)
    for index, vm in new.items():
        host = host_for_new(vm, hosts, f"run container {vm.name!r}")
        if host is not None:
            place = replace(_place(observed[index]), host=inventory.entry(host.moid))
            result[index] = replace(observed[index], place=place)
    return result


def _new_vm(inventory: Inventory, desired: DesiredContainer, observed: ObservedContainer) -> VmFacts:
    place, image, config = _place(observed), observed.image, desired.config
    if place.cluster is None or place.datastore is None or image is None or config is None:
        raise ValueError("a clone is observed without a complete place")
    stores = {"container": place.datastore.moid, "image": image.datastore.moid}
    stores |= {f"volume {volume.name}": volume.datastore.moid for volume in place.volumes}
    iso = _datastore(inventory, place.datacenter, datastore_name(place.bootstrap))
    if iso is not None:
        stores["bootstrap"] = iso.moid
    return new_vm(
        desired.name,
        place.cluster.moid,
        datastores=stores,
        networks=[network.moid for network in place.networks],
        memory_mb=config.memory_mb,
        hardware=image.hardware,
    )


def _place(observed: ObservedContainer) -> ContainerPlace:
    if observed.place is None:
        raise ValueError("a clone is observed without a place")
    return observed.place


def _datastore(inventory: Inventory, datacenter: Entry, name: str | None) -> Entry | None:
    return None if name is None else inventory.datastore(name, datacenter=datacenter)


def _entries(inventory: Inventory, moids: set[str] | set[str | None]) -> list[Entry]:
    return [entry for moid in sorted(filter(None, moids)) if (entry := inventory.entry(moid)) is not None]

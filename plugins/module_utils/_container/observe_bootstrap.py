# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the bootstrap ISOs for VMs that are created or started.

Nothing is searched if no VM is created or started.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe import find_bootstrap, has_file
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import needs_clone, will_start
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_bootstraps(
    session: Session,
    inventory: Inventory,
    wanted: Sequence[DesiredContainer],
    observed: Sequence[ObservedContainer],
) -> list[ObservedContainer]:
    """Add the ISO of each VM to create; for VMs to start, whether theirs exists and which one replaces it if not."""
    search = _Search(session, inventory)
    return [search.complete(desired, one) for desired, one in zip(wanted, observed, strict=True)]


class _Search:
    """A search that reads each datastore and each file only once."""

    def __init__(self, session: Session, inventory: Inventory) -> None:
        self._session = session
        self._inventory = inventory
        self._newest: dict[tuple[str, ...], str] = {}
        self._present: dict[str, bool] = {}

    def complete(self, desired: DesiredContainer, observed: ObservedContainer) -> ObservedContainer:
        place, machine = observed.place, observed.machine
        if needs_clone(desired, observed):
            if place is None or place.datastore is None or place.bootstrap is not None:
                return observed
            return replace(observed, place=replace(place, bootstrap=self._newest_in([place.datastore])))
        if machine is None or desired.placement.bootstrap is not None or not _may_need_iso(desired, observed):
            return observed
        datastores = _datastores(observed)
        missing = machine.bootstrap is not None and will_start(desired, observed) and not self._has(machine)
        if not datastores or (machine.bootstrap is not None and not missing):
            return observed
        return replace(
            observed,
            machine=replace(machine, bootstrap_missing=missing),
            spare_bootstrap=self._newest_in(datastores),
        )

    def _has(self, machine: Machine) -> bool:
        """Return whether the ISO in the machine's drive exists; it does not if vCenter does not know its datastore."""
        path = machine.bootstrap or ""
        if path not in self._present:
            name = datastore_name(path)
            stores = [one for one in self._inventory.all("Datastore") if one.name == name]
            stores = [one for one in stores if machine.datacenter is None or one.datacenter == machine.datacenter.moid]
            self._present[path] = any(has_file(self._session, one, path) for one in stores)
        return self._present[path]

    def _newest_in(self, datastores: Sequence[Entry]) -> str:
        """Return the newest ISO of the first of the datastores that has one."""
        searched = tuple(datastore.moid for datastore in datastores)
        if searched not in self._newest:
            self._newest[searched] = find_bootstrap(self._session, datastores)
        return self._newest[searched]


def _may_need_iso(desired: DesiredContainer, observed: ObservedContainer) -> bool:
    machine = observed.machine
    if machine is None or not machine.ours or desired.state in ("absent", "stopped"):
        return False
    return machine.bootstrap is None or will_start(desired, observed)


def _datastores(observed: ObservedContainer) -> list[Entry]:
    """Return the datastores to search for an existing VM's ISO: its own, else those of the task or the image."""
    machine, place, image = observed.machine, observed.place, observed.image
    found = [
        machine.datastore if machine else None,
        place.datastore if place else None,
        image.datastore if image else None,
    ]
    return list(dict.fromkeys(one for one in found if one is not None))

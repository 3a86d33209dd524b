# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the images of a folder and what uses them, in a few bulk reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    DEFAULT_FOLDER,
    VmDisks,
    recorders_of,
    users_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import (
    import_locks,
    read_abandoned,
    read_disks,
    read_templates,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import (
    Candidate,
    ObservedPrune,
    PruneRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_prune(session: Session, desired: PruneRequest, *, refresh: bool = False) -> ObservedPrune:
    """Return the images in the folder of the task, on its datastore if it gives one."""
    inventory = session.inventory(vms=True, properties={"Datastore": ["vm"]}, refresh=refresh)
    datacenter = inventory.datacenter(desired.datacenter)
    folder = _folder(inventory, datacenter, desired.folder)
    store = None if desired.datastore is None else inventory.datastore(desired.datastore, datacenter=datacenter)
    if folder is None:
        return ObservedPrune()
    templates = [
        template
        for template in read_templates(session, inventory, datacenter)
        if template.folder == folder.moid and (store is None or template.datastore == store.name)
    ]
    if not templates:
        return ObservedPrune()
    abandoned = read_abandoned(session, import_locks(session, desired.cache), templates)
    disks = read_disks(session, inventory.vms(datacenter=datacenter))
    unreadable = _unreadable_vms(inventory, datacenter, disks)
    return ObservedPrune(
        candidates=tuple(
            _candidate(template, disks, unreadable.get(template.datastore, 0), template.moid in abandoned)
            for template in sorted(templates, key=lambda template: template.path)
        ),
        now=None if desired.older_than is None else server_time(session),
    )


def _folder(inventory: Inventory, datacenter: Entry, wanted: str) -> Entry | None:
    """Return the folder of the task. The default one does not exist before the first import."""
    try:
        return inventory.folder(wanted, datacenter=datacenter)
    except GantryError:
        if wanted != DEFAULT_FOLDER:
            raise
        return None


def _candidate(template: ImageTemplate, disks: Mapping[str, VmDisks], unreadable: int, abandoned: bool) -> Candidate:
    users = {*users_of(template, disks), *recorders_of(template, disks)}
    return Candidate(template, tuple(sorted(users)), unreadable, abandoned)


def _unreadable_vms(inventory: Inventory, datacenter: Entry, disks: Mapping[str, VmDisks]) -> dict[str, int]:
    """Return the number of VMs on each datastore whose disks are unknown, by the datastore's name."""
    known = {moid for moid, one in disks.items() if one.readable}
    return {
        store.name: sum(moid_of(vm) not in known for vm in store.properties.get("vm") or ())
        for store in inventory.all("Datastore")
        if store.datacenter == datacenter.moid
    }

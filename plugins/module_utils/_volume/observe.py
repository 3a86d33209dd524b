# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read volumes from the global catalog, with a constant number of requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import read_job
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import VolumeCatalog, disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.decode import datastores_by_url, decode_volume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    NAME_KEY,
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumePlace,
    VolumeQuery,
    VolumeSnapshot,
    WantedPolicy,
    refuse_same_names,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.observe_policies import (
    observe_policies,
    with_policies,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.resolve import (
    DATASTORE_PROPERTIES,
    resolve_datastore,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")


def observe_volumes(session: Session, desired: DesiredVolumes) -> ObservedVolumes:
    """Return the volumes of the task, and where those that do not exist are to be created."""
    inventory = read_datastores(session)
    datacenter = inventory.datacenter(desired.datacenter)
    wanted = {volume.name for volume in desired.volumes} | {
        volume.source for volume in desired.volumes if volume.source
    }
    found = read_volumes(
        session, inventory, lambda volume: volume.name in wanted and _is_in(volume, datacenter), wanted
    )
    known: dict[str, Volume] = {}
    for name in wanted:
        same = [volume for volume in found if volume.name == name]
        refuse_same_names(name, [str(volume.id) for volume in same], datacenter.path)
        known.update({volume.name: volume for volume in same})
    wanted_policies: Mapping[str, WantedPolicy] = {}
    if any(volume.storage_policy is not None for volume in desired.volumes):
        stores = [entry.moid for entry in inventory.all("Datastore") if entry.datacenter == datacenter.moid]
        known, wanted_policies = observe_policies(session, desired, known, stores)
    places = []
    for volume in desired.volumes:
        there = known.get(volume.name)
        source = None if volume.source is None else known.get(volume.source)
        creates = there is None and desired.present
        policy = wanted_policies.get(volume.name)
        places.append(
            VolumePlace(
                datastore=resolve_datastore(inventory, datacenter, volume, source, policy) if creates else None,
                volume=there,
                source=source,
                wanted=policy,
            )
        )
    return ObservedVolumes(datacenter, tuple(places))


def observe_query(session: Session, query: VolumeQuery) -> list[Volume]:
    """Return the volumes that the filters select, if asked for, with the ages of their snapshots."""
    inventory = read_datastores(session)
    datacenter = None if query.datacenter is None else inventory.datacenter(query.datacenter)
    datastore = None if query.datastore is None else inventory.datastore(query.datastore, datacenter=datacenter)
    found = read_volumes(
        session,
        inventory,
        lambda volume: (
            (query.names is None or volume.name in query.names)
            and (datacenter is None or _is_in(volume, datacenter))
            and (datastore is None or volume.datastore.moid == datastore.moid)
            and query.labels.items() <= volume.labels.items()
        ),
        query.names,
    )
    selected = [volume for volume in found if query.unused is None or query.unused == (not volume.users)]
    ordered = sorted(selected, key=lambda volume: (volume.name, volume.id or ""))
    aged = _with_ages(session, ordered) if query.ages else ordered
    return with_policies(session, aged) if query.policies else aged


def read_datastores(session: Session) -> Inventory:
    """Return the inventory with what volumes need of the datastores."""
    return session.inventory(properties={"Datastore": DATASTORE_PROPERTIES})


def read_volumes(
    session: Session, inventory: Inventory, accept: Callable[[Volume], bool], names: Collection[str] | None
) -> list[Volume]:
    """Return the accepted volumes with the VMs that use them. Of a single name, only disks of this name are read."""
    volumes = read_used_volumes(session, inventory, accept, names)
    named = _read_names(session, {user for volume in volumes for user in volume.users})
    return [replace(volume, users=tuple(sorted(named.get(user, user) for user in volume.users))) for volume in volumes]


def read_used_volumes(
    session: Session,
    inventory: Inventory,
    accept: Callable[[Volume], bool],
    names: Collection[str] | None,
    *,
    asks: Callable[[Volume], bool] = lambda _volume: True,
) -> list[Volume]:
    """Return the accepted volumes with the MoIDs of their users, which are read only of those that ``asks`` selects."""
    by_url = datastores_by_url(inventory.all("Datastore"))
    with VolumeCatalog(session) as catalog:
        ids = catalog.find(
            ("metadataKey", "equals", NAME_KEY),
            *((("metadataValue", "equals", next(iter(names))),) if names is not None and len(names) == 1 else ()),
        )
        volumes = []
        for one in catalog.read(ids):
            datastore = by_url(one.datastoreUrl)
            volume = None if datastore is None else decode_volume(one, datastore, ())
            if volume is not None and accept(volume):
                volumes.append(volume)
        asked = [str(volume.id) for volume in volumes if asks(volume)]
        users = catalog.users(asked) if asked else {}
    return [replace(volume, users=tuple(users.get(str(volume.id), ()))) for volume in volumes]


def _is_in(volume: Volume, datacenter: Entry) -> bool:
    return volume.datastore.datacenter == datacenter.moid


def _read_names(session: Session, users: Collection[str]) -> Mapping[str, str]:
    """Return the names of VMs by their MoIDs. What is no MoID has none."""
    refs = [session.ref("VirtualMachine", user) for user in sorted(users) if _UUID.fullmatch(user) is None]
    return {row.moid: row.get("name", row.moid) for row in session.read(refs, ["name"])} if refs else {}


def _with_ages(session: Session, volumes: list[Volume]) -> list[Volume]:
    """Return the volumes with the creation times of their snapshots: one request for each volume that has some."""
    kept = [volume for volume in volumes if volume.snapshots]
    outcomes = session.run(
        [read_job(volume.name, _snapshot_reader(session, volume)) for volume in kept], lambda _: None
    )
    by_id: dict[str | None, Volume] = {}
    for volume, outcome in zip(kept, outcomes, strict=True):
        if outcome.error is not None:
            raise GantryError(
                f"The snapshots of the volume {volume.name} cannot be read: {outcome.error.message.rstrip('.')}.",
                fault=outcome.error.fault,
            ) from outcome.error
        by_id[volume.id] = replace(
            volume,
            snapshots=tuple(
                VolumeSnapshot(one.description, one.id.id, one.createTime) for one in outcome.result.snapshots
            ),
        )
    return [by_id.get(volume.id, volume) for volume in volumes]


def _snapshot_reader(session: Session, volume: Volume) -> Callable[[], object]:
    manager = session.content.vStorageObjectManager
    return lambda: manager.RetrieveSnapshotInfo(id=disk_id(volume.id), datastore=volume.datastore.ref)

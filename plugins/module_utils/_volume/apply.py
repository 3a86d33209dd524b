# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of volumes, those of many volumes at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Flow, Kind
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import raise_failures
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import VolumeCatalog, disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.apply_snapshot_copies import (
    create_from_snapshot,
    find_unfinished,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.apply_subject import VolumeSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import (
    CreateVolume,
    DeleteVolume,
    GrowVolume,
    LabelVolume,
    RemoveVolumeSnapshot,
    RestoreVolume,
    SetVolumePolicy,
    TakeSnapshot,
    VolumeChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.decode import decode_created, decode_unheard
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.encode import (
    encode_creation,
    encode_labels,
    encode_policy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumePlace,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.observe import read_datastores, read_volumes

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_volumes(
    session: Session, desired: DesiredVolumes, observed: ObservedVolumes, plan: Plan[VolumeChange], report: Report
) -> ObservedVolumes:
    """Make the changes and return the volumes as they are then."""
    created = [change for change in plan.changes if isinstance(change, CreateVolume)]
    if created:
        _refuse_unheard(session, created)
    unfinished = find_unfinished(session, created)
    subjects = [
        VolumeSubject(
            id=str(index),
            name=volume.name,
            changes=[change for change in plan.changes if change.index == index],
            session=session,
            volume=place.volume,
            unfinished=unfinished.get(index),
        )
        for index, (volume, place) in enumerate(zip(desired.volumes, observed.places, strict=True))
    ]
    raise_failures(Batch(session, report, _KINDS).run([one for one in subjects if one.changes]), "volumes")
    expected = plan.project(observed)
    found = _read_again(session, observed.datacenter, {volume.name for volume in desired.volumes})
    for change in created:
        _give_way(session, subjects[change.index].volume, found, report)
    by_id = {volume.id: volume for volume in found}
    return replace(
        expected,
        places=tuple(_arrived(place, subject, by_id) for place, subject in zip(expected.places, subjects, strict=True)),
    )


def _read_again(session: Session, datacenter: Entry, names: Collection[str]) -> list[Volume]:
    return read_volumes(
        session,
        read_datastores(session),
        lambda volume: volume.name in names and volume.datastore.datacenter == datacenter.moid,
        names,
    )


def _arrived(place: VolumePlace, subject: VolumeSubject, by_id: Mapping[str | None, Volume]) -> VolumePlace:
    """Return the volume as the catalog shows it. One that it does not show yet is as the plan has left it."""
    made = subject.volume
    if place.volume is None or made is None:
        return place
    predicted = replace(place.volume, id=made.id, file=made.file, created=made.created)
    # The catalog does not know storage policies.
    volume = replace(by_id.get(made.id, predicted), storage_policy=place.volume.storage_policy)
    return replace(place, volume=volume)


def _refuse_unheard(session: Session, created: Sequence[CreateVolume]) -> None:
    """Refuse to create a volume that exists, but that the catalog has not heard of yet.

    The catalog is brought up to date by each datastore, which may take a while after a disk was created. The manager
    of the vSphere API lists the ids on a datastore as they are; those that the catalog does not know are read.
    """
    manager = session.content.vStorageObjectManager
    wanted = {change.name for change in created}
    datastores = {change.datastore.moid: change.datastore for change in created}
    with VolumeCatalog(session) as catalog:
        for datastore in datastores.values():
            listed = {one.id for one in manager.ListVStorageObject(datastore.ref)}
            if not listed:
                continue
            heard = set(catalog.find(("datastoreMoId", "equals", datastore.moid.rpartition("-")[2])))
            for unheard in sorted(listed - heard):
                volume = _read_directly(manager, unheard, datastore)
                if volume is not None and volume.name in wanted:
                    raise GantryError(
                        f"The volume {volume.name} was created on {datastore.name} a moment ago, as {volume.id}, and "
                        "the catalog of vCenter does not show it yet. Nothing was changed. Run again in a minute."
                    )


def _read_directly(manager: Any, disk: str, datastore: Entry) -> Volume | None:
    return decode_unheard(manager.RetrieveVStorageObject(id=disk_id(disk), datastore=datastore.ref), datastore)


def _give_way(session: Session, made: Volume | None, found: Sequence[Volume], report: Report) -> None:
    """Remove a volume again if another client has created one earlier under the same name."""
    if made is None:
        return
    same = [volume for volume in found if volume.name == made.name]
    if made.id not in [volume.id for volume in same]:
        same.append(made)
    first = min(same, key=lambda volume: (volume.created, volume.id))
    if first.id == made.id:
        return
    session.run_one(_removal(session, made), report)
    raise GantryError(
        f"Another client created a volume {made.name} at the same time, on {first.datastore.name}. The one of this "
        "task was removed again; nothing was on it. Run again to use the other one."
    )


def _removal(session: Session, volume: Volume) -> Job:
    manager = session.content.vStorageObjectManager
    disk = {"id": disk_id(volume.id), "datastore": volume.datastore.ref}
    return Job(volume.name, "remove the second volume", lambda: manager.DeleteVStorageObject_Task(**disk))


def _create(subject: VolumeSubject, change: CreateVolume) -> Flow[None]:
    spec, source, manager = encode_creation(change), change.source, subject.manager
    if source is not None and change.snapshot is not None:
        yield from create_from_snapshot(subject, change, source, change.snapshot)
        return
    if source is None:
        job = Job(subject.name, "create", lambda: manager.CreateDisk_Task(spec))
    else:
        disk = {"id": disk_id(source.id), "datastore": source.datastore.ref}
        job = Job(subject.name, "create a copy as", lambda: manager.CloneVStorageObject_Task(**disk, spec=spec))
    subject.volume = decode_created((yield job).config, change.datastore, change.name, change.labels)


def _grow(subject: VolumeSubject, change: GrowVolume) -> Flow[None]:
    manager, disk = subject.manager, subject.disk
    yield Job(subject.name, "grow", lambda: manager.ExtendDisk_Task(**disk, newCapacityInMB=change.size))


def _label(subject: VolumeSubject, change: LabelVolume) -> Flow[None]:
    manager, disk, metadata = subject.manager, subject.disk, [encode_labels(change.labels)]
    yield Job(
        subject.name, "label", lambda: manager.VCenterUpdateVStorageObjectMetadataEx_Task(**disk, metadata=metadata)
    )


def _set_policy(subject: VolumeSubject, change: SetVolumePolicy) -> Flow[None]:
    manager, disk, profile = subject.manager, subject.disk, encode_policy(change.policy)
    yield Job(
        subject.name,
        "set the storage policy of",
        lambda: manager.UpdateVStorageObjectPolicy_Task(**disk, profile=profile),
    )


def _take_snapshot(subject: VolumeSubject, change: TakeSnapshot) -> Flow[None]:
    manager, disk = subject.manager, subject.disk
    yield Job(
        subject.name,
        "take a snapshot of",
        lambda: manager.VStorageObjectCreateSnapshot_Task(**disk, description=change.snapshot),
    )


def _remove_snapshot(subject: VolumeSubject, change: RemoveVolumeSnapshot) -> Flow[None]:
    manager, named = subject.manager, {**subject.disk, "snapshotId": disk_id(change.snapshot.id)}
    yield Job(subject.name, "remove a snapshot of", lambda: manager.DeleteSnapshot_Task(**named))


def _restore(subject: VolumeSubject, change: RestoreVolume) -> Flow[None]:
    manager, named = subject.manager, {**subject.disk, "snapshotId": disk_id(change.snapshot.id)}
    yield Job(subject.name, "restore", lambda: manager.RevertVStorageObject_Task(**named))


def _delete(subject: VolumeSubject, _change: DeleteVolume) -> Flow[None]:
    manager, disk = subject.manager, subject.disk
    yield Job(subject.name, "delete", lambda: manager.DeleteVStorageObject_Task(**disk))


# A creation that zeroes its disk, a copy and the merging of a snapshot load the datastore.
_KINDS: dict[type[VolumeChange], Kind[VolumeSubject]] = {
    CreateVolume: Kind(_create, limit=16),
    GrowVolume: Kind(_grow, limit=16),
    LabelVolume: Kind(_label, limit=32),
    SetVolumePolicy: Kind(_set_policy, limit=16),
    TakeSnapshot: Kind(_take_snapshot, limit=16),
    RemoveVolumeSnapshot: Kind(_remove_snapshot, limit=8),
    RestoreVolume: Kind(_restore, limit=8),
    DeleteVolume: Kind(_delete, limit=16),
}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired and observed volumes to a plan. What vSphere would refuse is found here. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
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
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    EXT4,
    SMALLEST_XFS,
    XFS,
    DesiredVolume,
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumePlace,
    VolumeSnapshot,
    WantedPolicy,
    refuse_volume_users,
)

# vSphere's limit of a disk.
MOST_SNAPSHOTS = 32


def plan_volumes(desired: DesiredVolumes, observed: ObservedVolumes) -> Plan[VolumeChange]:
    """Plan each volume. All problems are reported before anything is changed."""
    changes: list[VolumeChange] = []
    problems: list[GantryError] = []
    for index, (volume, place) in enumerate(zip(desired.volumes, observed.places, strict=True)):
        try:
            changes += _plan_one(desired, volume, place, index)
        except GantryError as error:  # noqa: PERF203 - all problems are reported
            problems.append(error)
    raise_all(problems)
    return Plan(tuple(changes))


def _plan_one(desired: DesiredVolumes, volume: DesiredVolume, place: VolumePlace, index: int) -> list[VolumeChange]:
    if not desired.present:
        return [] if place.volume is None else list(_removal(desired, volume, place.volume, index))
    if place.volume is None:
        return list(_creation(volume, place, index))
    return [*_changes(desired, volume, place.volume, index), *_policy_changes(place.wanted, place.volume, index)]


def _creation(volume: DesiredVolume, place: VolumePlace, index: int) -> Iterator[VolumeChange]:
    if place.datastore is None:
        raise ValueError(f"no datastore was observed for the volume {volume.name}")
    if volume.restore is not None:
        raise GantryError(f"The volume {volume.name} does not exist, so it cannot be restored from {volume.restore}.")
    size, copied = volume.size, None
    if volume.source is not None:
        if place.source is None:
            raise GantryError(f"The volume {volume.source}, which {volume.name} is to be a copy of, does not exist.")
        size = place.source.size
        if volume.source_snapshot is not None:
            purpose = f"that {volume.name} is to be a copy of"
            copied = _required_snapshot(place.source, volume.source_snapshot, purpose)
    if size is None:
        raise GantryError(f"The volume {volume.name} does not exist, and no size is given to create it. Give size.")
    yield CreateVolume(
        index,
        volume.name,
        size,
        place.datastore,
        volume.provisioning,
        dict(volume.labels or {}),
        place.source,
        copied,
        None if place.wanted is None else place.wanted.policy,
        _filesystem(volume, place.source, volume.size or size),
    )
    if volume.size is not None and volume.size < size:
        raise GantryError(
            f"size of the volume {volume.name} is {volume.size} MiB, but it is to be a copy of {volume.source}, which "
            f"has {size} MiB. Volumes are never shrunk. Give at least this size, or leave it out."
        )
    if volume.size is not None and volume.size > size:
        yield GrowVolume(index, Volume(volume.name, size, place.datastore, {}), volume.size)
    for snapshot in volume.snapshots:
        if snapshot.present:
            yield TakeSnapshot(index, volume.name, snapshot.name)


def _filesystem(volume: DesiredVolume, source: Volume | None, size: int) -> str:
    """Return the file system of a new volume: that of the source, if it is a copy."""
    if source is not None:
        _refuse_another_filesystem(volume, source.filesystem, f"The volume {source.name}, which it is to be a copy of,")
        return source.filesystem
    if volume.filesystem == XFS and size < SMALLEST_XFS:
        raise GantryError(
            f"size of the volume {volume.name} is {size} MiB, and filesystem is xfs, which needs {SMALLEST_XFS} MiB at "
            "least. Give this size, or use ext4."
        )
    return volume.filesystem or EXT4


def _refuse_another_filesystem(volume: DesiredVolume, there: str, what: str) -> None:
    if volume.filesystem not in (None, there):
        raise GantryError(
            f"filesystem of the volume {volume.name} is {volume.filesystem}. {what} has {there}, and a file system is "
            "never replaced. Leave filesystem out, or create another volume and copy the data."
        )


def _changes(desired: DesiredVolumes, volume: DesiredVolume, there: Volume, index: int) -> Iterator[VolumeChange]:
    now = there
    _refuse_another_filesystem(volume, there.filesystem, "It exists and")
    if volume.restore is not None:
        restore = _restore(desired, volume.restore, there, index)
        yield restore
        now = _projected(there, restore)
    for removal in _snapshot_removals(volume, now, index):
        yield removal
        now = _projected(now, removal)
    if volume.size is not None and volume.size != now.size:
        yield _growth(volume.size, now, index)
    if volume.labels is not None and dict(volume.labels) != dict(now.labels):
        yield LabelVolume(index, there, dict(volume.labels))
    missing = [one.name for one in volume.snapshots if one.present and now.snapshot(one.name) is None]
    if len(now.snapshots) + len(missing) > MOST_SNAPSHOTS:
        raise GantryError(
            f"The volume {there.name} would have {len(now.snapshots) + len(missing)} snapshots, but vSphere allows "
            f"{MOST_SNAPSHOTS}. Remove some first."
        )
    for name in missing:
        yield TakeSnapshot(index, there.name, name)


def _policy_changes(wanted: WantedPolicy | None, there: Volume, index: int) -> Iterator[VolumeChange]:
    if wanted is None:
        return
    reason = wanted.misfits.get(there.datastore.moid)
    if reason is not None:
        raise GantryError(
            f"The volume {there.name} is on {there.datastore.name}, which does not satisfy the storage policy "
            f"{wanted.policy.name}: {reason.rstrip('.')}. Move it to a datastore that does, with the VM that uses it, "
            "or give another storage_policy."
        )
    yield SetVolumePolicy(index, there, wanted.policy)


def _projected(volume: Volume, change: RestoreVolume | RemoveVolumeSnapshot) -> Volume:
    gone = {one.id for one in change.later} if isinstance(change, RestoreVolume) else {change.snapshot.id}
    return replace(volume, snapshots=tuple(one for one in volume.snapshots if one.id not in gone))


def _restore(desired: DesiredVolumes, name: str, there: Volume, index: int) -> RestoreVolume:
    snapshot = _required_snapshot(there, name, "to restore")
    refuse_volume_users(there, "restored")
    if not desired.confirmed:
        raise GantryError(
            f"Restoring the volume {there.name} from the snapshot {name} discards all that was written since then, "
            "and the later snapshots. Say confirm_data_loss: true if that is intended."
        )
    return RestoreVolume(index, there, snapshot)


def _required_snapshot(volume: Volume, name: str, purpose: str) -> VolumeSnapshot:
    snapshot = volume.snapshot(name)
    if snapshot is None:
        has = f"It has {listed(one.name for one in volume.snapshots)}" if volume.snapshots else "It has none"
        raise GantryError(f"The volume {volume.name} has no snapshot {name} {purpose}. {has}.")
    return snapshot


def _snapshot_removals(volume: DesiredVolume, there: Volume, index: int) -> list[RemoveVolumeSnapshot]:
    gone = {one.name for one in volume.snapshots if not one.present}
    return [RemoveVolumeSnapshot(index, there, one) for one in there.snapshots if one.name in gone]


def _growth(size: int, there: Volume, index: int) -> GrowVolume:
    if size < there.size:
        raise GantryError(
            f"size of the volume {there.name} is {size} MiB, but it has {there.size} MiB. Volumes are never shrunk. "
            "Create a smaller one and copy the data."
        )
    if there.snapshots:
        raise GantryError(
            f"The volume {there.name} cannot grow from {there.size} to {size} MiB while it has snapshots "
            f"({listed(one.name for one in there.snapshots)}). Remove them first: list them in snapshots with state "
            "absent.",
            details={"snapshots": [one.name for one in there.snapshots]},
        )
    return GrowVolume(index, there, size)


def _removal(desired: DesiredVolumes, volume: DesiredVolume, there: Volume, index: int) -> Iterator[VolumeChange]:
    refuse_volume_users(there, "deleted")
    removals = _snapshot_removals(volume, there, index)
    kept = [one for one in there.snapshots if one not in [removal.snapshot for removal in removals]]
    if kept:
        raise GantryError(
            f"The volume {there.name} is not deleted because it has snapshots ({listed(one.name for one in kept)}). "
            "List them in snapshots with state absent to remove them with it.",
            details={"snapshots": [one.name for one in kept]},
        )
    if not desired.confirmed:
        raise GantryError(
            f"Deleting the volume {there.name} deletes its data: {there.size} MiB on {there.datastore.name}. Say "
            "confirm_data_loss: true if that is intended."
        )
    yield from removals
    yield DeleteVolume(index, there)

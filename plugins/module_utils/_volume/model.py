# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes as desired and as observed. Pure data.

A volume is a First Class Disk of vSphere: a disk with an id of its own, whether or not a VM uses it. Its name is in its
metadata, and is unique in a datacenter. Its file changes with snapshots and with moves of the VM that uses it, so it
identifies nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicy

# The keys of the metadata of a disk.
NAME_KEY = "gantry.volume"
LABELS_KEY = "gantry.labels"
# The ids of the volumes that a copy was made of, the nearest first: its file system has the identity of one of them
# until a container mounts it.
ORIGINS_KEY = "gantry.origins"
FILESYSTEM_KEY = "gantry.filesystem"
# When a task detached the disk that is attached to no VM since, in RFC 3339. The next task that attaches it removes it.
DETACHED_KEY = "gantry.detached"

# The file systems that the guest can create. A disk without metadata about it has the first.
EXT4, XFS = "ext4", "xfs"
# In MiB: the limit of mkfs.xfs, by which the guest's templates are made.
SMALLEST_XFS = 300


@dataclass(frozen=True)
class DesiredSnapshot:
    name: str
    present: bool


@dataclass(frozen=True)
class DesiredVolume:
    """What the task gives of one volume. ``size`` is in MiB. ``restore`` is the name of a snapshot."""

    name: str
    size: int | None = None
    datastore: str | None = None
    datastore_cluster: str | None = None
    provisioning: str | None = None
    labels: Mapping[str, str] | None = None
    snapshots: tuple[DesiredSnapshot, ...] = ()
    restore: str | None = None
    source: str | None = None
    source_snapshot: str | None = None
    storage_policy: str | None = None
    filesystem: str | None = None


@dataclass(frozen=True)
class DesiredVolumes:
    """The volumes of one task. ``listed``: it gives a list of them, so its result has a list."""

    volumes: tuple[DesiredVolume, ...]
    listed: bool
    datacenter: str | None
    present: bool
    confirmed: bool  # that data is lost


@dataclass(frozen=True)
class VolumeQuery:
    """The filters of container_volume_info. None selects all."""

    names: frozenset[str] | None
    labels: Mapping[str, str]
    datacenter: str | None
    datastore: str | None
    unused: bool | None
    ages: bool  # whether the creation times of snapshots are read
    policies: bool  # whether storage policies are read


@dataclass(frozen=True)
class VolumeSnapshot:
    """A snapshot of a volume. Its name is its description in vSphere. ``created`` is None where it was not read."""

    name: str
    id: str | None = None
    created: datetime | None = None


@dataclass(frozen=True)
class Volume:
    """A volume that exists, or that check mode predicts, which has no id yet. Sizes are in MiB; None is unknown.

    ``users`` are the names of the VMs that it is attached to. ``origins`` are the ids of the volumes it is a copy of.
    ``detached`` is when a task has detached it, if it has recorded that. ``storage_policy`` is the name of its policy,
    if it has one and the task needs to know.
    """

    name: str
    size: int
    datastore: Entry
    labels: Mapping[str, str]
    id: str | None = None
    file: str | None = None
    created: datetime | None = None
    used: int | None = None
    snapshots: tuple[VolumeSnapshot, ...] = ()
    users: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    detached: datetime | None = None
    storage_policy: str | None = None
    filesystem: str = EXT4

    def snapshot(self, name: str) -> VolumeSnapshot | None:
        """Return the newest snapshot of this name."""
        return next((one for one in reversed(self.snapshots) if one.name == name), None)


@dataclass(frozen=True)
class WantedPolicy:
    """The storage policy that a volume is to get.

    ``misfits`` has the MoIDs of the datastores that do not fulfil it, each with vCenter's reason.
    """

    policy: StoragePolicy
    misfits: Mapping[str, str]


@dataclass(frozen=True)
class VolumePlace:
    """Where a volume is, or else where it is created. ``datastore`` is None if there is nothing to create.

    ``wanted`` is None if the volume has its policy already, or if the task gives none.
    """

    datastore: Entry | None
    volume: Volume | None
    source: Volume | None = None
    wanted: WantedPolicy | None = None


@dataclass(frozen=True)
class ObservedVolumes:
    """The volumes of the task, in its order. ``datacenter`` is the one in which their names are unique."""

    datacenter: Entry
    places: tuple[VolumePlace, ...]


def refuse_volume_users(volume: Volume, verb: str) -> None:
    """Refuse what vSphere does with detached disks only."""
    if volume.users:
        raise GantryError(
            f"The volume {volume.name} is not {verb} because it is attached to {listed(volume.users)}. Remove it from "
            "there first.",
            details={"users": list(volume.users)},
        )


def refuse_same_names(name: str, ids: Sequence[str], datacenter: str) -> None:
    """Refuse to choose between disks that have the same name."""
    if len(ids) > 1:
        raise GantryError(
            f"{len(ids)} First Class Disks in {datacenter} are named {name} ({NAME_KEY} in their metadata): "
            f"{listed(ids)}. They were created at the same time, or one is a copy. Look what is on them, and remove "
            "one, or its metadata."
        )

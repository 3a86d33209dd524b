# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for volumes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    EXT4,
    ObservedVolumes,
    Volume,
    VolumePlace,
    VolumeSnapshot,
)

_VOLUMES = "volumes"


@dataclass(frozen=True)
class CreateVolume(Creation):
    """Create the disk: an empty one, or a copy of another volume or of one of its snapshots.

    ``index`` is the volume's place in the task.
    """

    index: int
    name: str
    size: int
    datastore: Entry
    provisioning: str | None
    labels: Mapping[str, str]
    source: Volume | None = None
    snapshot: VolumeSnapshot | None = None
    policy: StoragePolicy | None = None
    filesystem: str = EXT4

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the ids of the volumes that it is a copy of, the nearest first."""
        return () if self.source is None else (str(self.source.id), *self.source.origins)

    def describe(self) -> str:
        how = f"{self.size} MiB" if self.source is None else f"as a copy of {self.source.name}"
        if self.snapshot is not None:
            how += f" in its snapshot {self.snapshot.name}"
        policy = "" if self.policy is None else f", with the storage policy {self.policy.name}"
        filesystem = "" if self.filesystem == EXT4 or self.source is not None else f", for {self.filesystem}"
        return f"create the volume {self.name}, {how}, on {self.datastore.name}{policy}{filesystem}"

    def after(self) -> Mapping[str, Any]:
        policy = {} if self.policy is None else {"storage_policy": self.policy.name}
        filesystem = {} if self.filesystem == EXT4 else {"filesystem": self.filesystem}
        return nested(
            _VOLUMES,
            self.name,
            value={"size_mb": self.size, "datastore": self.datastore.name, "labels": dict(self.labels)}
            | filesystem
            | policy,
        )

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        policy = None if self.policy is None else self.policy.name
        made = Volume(
            self.name,
            self.size,
            self.datastore,
            self.labels,
            origins=self.origins,
            storage_policy=policy,
            filesystem=self.filesystem,
        )
        return _with_place(observed, self.index, lambda place: replace(place, volume=made))


@dataclass(frozen=True)
class _ExistingVolume(ABC):
    """Base of a change to a volume that exists. ``index`` is the volume's place in the task."""

    index: int
    volume: Volume

    @property
    def name(self) -> str:
        return self.volume.name

    @abstractmethod
    def describe(self) -> str:
        """Return the change as an action."""


@dataclass(frozen=True)
class GrowVolume(_ExistingVolume):
    size: int

    def describe(self) -> str:
        return f"grow the volume {self.name} from {self.volume.size} to {self.size} MiB"

    def before(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"size_mb": self.volume.size})

    def after(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"size_mb": self.size})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_volume(observed, self.index, lambda volume: replace(volume, size=self.size))


@dataclass(frozen=True)
class LabelVolume(_ExistingVolume):
    """Replace the labels."""

    labels: Mapping[str, str]

    def describe(self) -> str:
        return f"set the labels of the volume {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"labels": dict(self.volume.labels)})

    def after(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"labels": dict(self.labels)})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_volume(observed, self.index, lambda volume: replace(volume, labels=self.labels))


@dataclass(frozen=True)
class SetVolumePolicy(_ExistingVolume):
    """Give the volume another storage policy."""

    policy: StoragePolicy

    def describe(self) -> str:
        return f"set the storage policy of the volume {self.name} to {self.policy.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"storage_policy": self.volume.storage_policy})

    def after(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"storage_policy": self.policy.name})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_volume(observed, self.index, lambda volume: replace(volume, storage_policy=self.policy.name))


@dataclass(frozen=True)
class TakeSnapshot(Creation):
    """Take a snapshot. The volume has no id yet if it is created in the same task."""

    index: int
    name: str
    snapshot: str

    def describe(self) -> str:
        return f"take the snapshot {self.snapshot} of the volume {self.name}"

    def after(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, "snapshots", value={self.snapshot: "present"})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        taken = VolumeSnapshot(self.snapshot)
        return _with_volume(observed, self.index, lambda volume: replace(volume, snapshots=(*volume.snapshots, taken)))


@dataclass(frozen=True)
class RemoveVolumeSnapshot(Removal, _ExistingVolume):
    """Remove a snapshot; what was written since then stays."""

    snapshot: VolumeSnapshot

    def describe(self) -> str:
        return f"remove the snapshot {self.snapshot.name} of the volume {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, "snapshots", value={self.snapshot.name: "present"})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_volume(
            observed,
            self.index,
            lambda volume: replace(
                volume, snapshots=tuple(one for one in volume.snapshots if one.id != self.snapshot.id)
            ),
        )


@dataclass(frozen=True)
class RestoreVolume(_ExistingVolume):
    """Discard what was written since a snapshot, and the later snapshots."""

    snapshot: VolumeSnapshot

    @property
    def later(self) -> tuple[VolumeSnapshot, ...]:
        return self.volume.snapshots[self.volume.snapshots.index(self.snapshot) + 1 :]

    def describe(self) -> str:
        removed = f", and remove the later {', '.join(one.name for one in self.later)}" if self.later else ""
        return f"restore the volume {self.name} from the snapshot {self.snapshot.name}{removed}"

    def before(self) -> Mapping[str, Any]:
        later = {"snapshots": {one.name: "present" for one in self.later}} if self.later else {}
        return nested(_VOLUMES, self.name, value={"content": "as it is now", **later})

    def after(self) -> Mapping[str, Any]:
        return nested(_VOLUMES, self.name, value={"content": f"as in the snapshot {self.snapshot.name}"})

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_volume(
            observed,
            self.index,
            lambda volume: replace(volume, snapshots=volume.snapshots[: len(volume.snapshots) - len(self.later)]),
        )


@dataclass(frozen=True)
class DeleteVolume(Removal, _ExistingVolume):
    """Delete the disk with its data."""

    def describe(self) -> str:
        return f"delete the volume {self.name} ({self.volume.size} MiB on {self.volume.datastore.name})"

    def before(self) -> Mapping[str, Any]:
        return nested(
            _VOLUMES,
            self.name,
            value={
                "size_mb": self.volume.size,
                "datastore": self.volume.datastore.name,
                "labels": dict(self.volume.labels),
            },
        )

    def project(self, observed: ObservedVolumes) -> ObservedVolumes:
        return _with_place(observed, self.index, lambda place: replace(place, volume=None))


VolumeChange: TypeAlias = (
    CreateVolume
    | GrowVolume
    | LabelVolume
    | SetVolumePolicy
    | TakeSnapshot
    | RemoveVolumeSnapshot
    | RestoreVolume
    | DeleteVolume
)


def _with_place(observed: ObservedVolumes, index: int, change: Callable[[VolumePlace], VolumePlace]) -> ObservedVolumes:
    places = list(observed.places)
    places[index] = change(places[index])
    return replace(observed, places=tuple(places))


def _with_volume(observed: ObservedVolumes, index: int, change: Callable[[Volume], Volume]) -> ObservedVolumes:
    def of_place(place: VolumePlace) -> VolumePlace:
        if place.volume is None:
            raise ValueError(f"the plan changes volume {index}, which does not exist")
        return replace(place, volume=change(place.volume))

    return _with_place(observed, index, of_place)

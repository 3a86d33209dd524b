# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that attach volumes to a container's VM and detach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, with_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume, NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import volume_names
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested


@dataclass(frozen=True)
class AttachVolume(ContainerChange):
    """Attach a volume to the VM, which is off."""

    machine: Machine
    volume: NamedVolume
    unit: int

    def describe(self) -> str:
        return f"attach the volume {self.volume.name} to {self.machine.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "attached_volumes", self.volume.name, value=False)

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "attached_volumes", self.volume.name, value=True)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        attached = (*self.machine.volumes, AttachedVolume(self.volume.id, self.unit))
        return with_machine(
            observed,
            volumes=tuple(sorted(attached, key=lambda one: one.id)),
            scsi_units=self.machine.scsi_units | {self.unit},
        )


@dataclass(frozen=True)
class DetachVolumes(ContainerChange):
    """Detach volumes from the VM, which is off. They are kept with their data.

    ``unused`` are the volumes of the container that the task does not attach again: it records when they were detached.
    """

    machine: Machine
    ids: tuple[str, ...]
    unused: frozenset[str] = frozenset()

    def names(self) -> list[str]:
        """Return the names of the volumes. A disk that the container does not name has only its id."""
        known = volume_names(self.machine)
        return sorted(known.get(one, one) for one in self.ids)

    def describe(self) -> str:
        return f"detach {listed(self.names())} from {self.machine.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "attached_volumes", value=dict.fromkeys(self.names(), True))

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "attached_volumes", value=dict.fromkeys(self.names(), False))

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        gone = [one for one in self.machine.volumes if one.id in self.ids]
        left = replace(
            self.machine,
            volumes=tuple(one for one in self.machine.volumes if one not in gone),
            scsi_units=self.machine.scsi_units - {one.unit for one in gone},
        )
        return observed.with_changed(self.machine, left)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute which volumes a container's VM is to have, and where. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    Machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import SCRATCH_UNIT
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import EXT4

# Units of a SCSI controller; 7 is the controller itself.
_UNITS = range(16)
_RESERVED = frozenset({0, SCRATCH_UNIT, 7})


def target_volumes(machine: Machine, place: ContainerPlace) -> tuple[AttachedVolume, ...]:
    """Return the container's volumes, in the order of its options. Attached ones stay at their unit."""
    attached = {one.id: one for one in machine.volumes}
    free = free_units(machine)
    missing = [volume.id for volume in place.volumes if volume.id not in attached]
    if len(missing) > len(free):
        raise GantryError(
            f"Container {machine.name} has {len(place.volumes)} volumes, and its VM has room for "
            f"{len(place.volumes) - len(missing) + len(free)}. Use fewer, larger volumes."
        )
    units = dict(zip(missing, free, strict=False))
    return tuple(attached.get(volume.id) or AttachedVolume(volume.id, units[volume.id]) for volume in place.volumes)


def free_units(machine: Machine) -> list[int]:
    """Return the units of the SCSI controller that a volume can be attached at."""
    return [unit for unit in _UNITS if unit not in machine.scsi_units | _RESERVED]


def guest_volumes(machine: Machine, config: Config, place: ContainerPlace) -> list[dict[str, Any]]:
    """Return the volumes for the guest document."""
    return [
        {
            "name": option.source,
            "id": one.id,
            "unit": one.unit,
            "target": option.target,
            "read_only": option.read_only,
            "copy": option.copy,
            **({"origins": list(volume.origins)} if volume.origins else {}),
            **({"file_system": volume.filesystem} if volume.filesystem != EXT4 else {}),
        }
        for option, volume, one in zip(config.volumes, place.volumes, target_volumes(machine, place), strict=True)
    ]


def volume_names(machine: Machine) -> Mapping[str, str]:
    """Return the names of the container's volumes, by their ids."""
    return {str(one.get("id")): str(one.get("name")) for one in _documented(machine)}


def lost_volumes(machine: Machine) -> Mapping[str, int | None]:
    """Return the units of the volumes that the VM's document has and the VM has not, by their ids."""
    attached = {one.id for one in machine.volumes}
    return {str(one["id"]): one.get("unit") for one in _documented(machine) if one.get("id") not in {None, *attached}}


def _documented(machine: Machine) -> list[dict[str, Any]]:
    listed = (machine.document or {}).get("volumes")
    return [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]


def missing_volumes(machine: Machine, place: ContainerPlace) -> tuple[AttachedVolume, ...]:
    """Return the volumes of the container that are not attached, with the units for them."""
    there = {one.id for one in machine.volumes}
    return tuple(one for one in target_volumes(machine, place) if one.id not in there)


def surplus_volumes(machine: Machine, place: ContainerPlace) -> tuple[str, ...]:
    """Return the ids of attached volumes that the container had and no longer has. Disks of others are left alone."""
    former = volume_names(machine).keys() - {volume.id for volume in place.volumes}
    return tuple(one.id for one in machine.volumes if one.id in former)

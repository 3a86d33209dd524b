# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan which volumes are attached and detached, and refuse those that vSphere would not move. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import DetachVolumes
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import (
    free_units,
    lost_volumes,
    missing_volumes,
    volume_names,
)


def attachments(machine: Machine, place: ContainerPlace) -> list[tuple[NamedVolume, int]]:
    """Return the volumes that the VM lacks, with their units."""
    by_id = {volume.id: volume for volume in place.volumes}
    return [(by_id[one.id], one.unit) for one in missing_volumes(machine, place) if one.unit is not None]


def detachment(container: str, machine: Machine, ids: tuple[str, ...], place: ContainerPlace | None) -> DetachVolumes:
    """Return the change that detaches disks. Raise GantryError if a snapshot of the VM holds them.

    ``place`` has the volumes of the container after the task.
    """
    used = {volume.id for volume in place.volumes} if place is not None else set()
    unused = frozenset(ids) & (volume_names(machine).keys() - used)
    change = DetachVolumes(container, machine, ids, unused)
    if machine.snapshots:
        raise GantryError(
            f"The VM {machine.path} has the snapshot {listed(machine.snapshots)}, and vSphere does not detach "
            f"{listed(change.names())} from a VM while a snapshot holds it. Nothing was changed. Wait until the "
            "backup that has taken it removes it, or remove it in the vSphere Client, then run again."
        )
    return change


def refuse_held_volumes(observed: ObservedContainer, place: ContainerPlace) -> None:
    """Refuse volumes that other VMs have."""
    for volume in place.volumes:
        _refuse_held(observed, volume)


def reattachments(container: str, observed: ObservedContainer, machine: Machine) -> list[tuple[NamedVolume, int]]:
    """Return the volumes that the VM has lost, with their units. Raise GantryError for those it cannot have again."""
    known = {volume.id: volume for volume in observed.lost_volumes}
    names, free, found = volume_names(machine), free_units(machine), []
    for one, documented in lost_volumes(machine).items():
        if one not in known:
            raise GantryError(
                f"Container {container} mounts the volume {names[one]}, whose disk {one} is not attached to its VM and "
                "no longer exists. Restore the volume, or run the task with the whole configuration of the container: "
                "it uses the volume that has this name now."
            )
        _refuse_held(observed, known[one])
        unit = free[0] if documented is None and free else documented
        if unit not in free:
            raise GantryError(
                f"Container {container} mounts the volume {names[one]}, which was detached from its VM, and another "
                f"disk is attached at its unit {documented}. Remove that disk, or run the task with the whole "
                "configuration of the container, which attaches the volume at another unit."
            )
        free.remove(unit)
        found.append((known[one], unit))
    return found


def _refuse_held(observed: ObservedContainer, volume: NamedVolume) -> None:
    own = {machine.moid for machine in observed.machines}
    others = [path for moid, path in volume.users.items() if moid not in own]
    if others:
        raise GantryError(
            f"The volume {volume.name} is attached to the VM {listed(sorted(others))}, and a volume can be used by "
            "one VM only. Remove it from there first, or use another volume.",
            details={"volume": volume.name, "users": sorted(others)},
        )

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
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import missing_volumes


def attachments(machine: Machine, place: ContainerPlace) -> list[tuple[NamedVolume, int]]:
    """Return the volumes that the VM lacks, with their units."""
    by_id = {volume.id: volume for volume in place.volumes}
    return [(by_id[one.id], one.unit) for one in missing_volumes(machine, place) if one.unit is not None]


def detachment(container: str, machine: Machine, ids: tuple[str, ...]) -> DetachVolumes:
    """Return the change that detaches disks. Raise GantryError if a snapshot of the VM holds them."""
    change = DetachVolumes(container, machine, ids)
    if machine.snapshots:
        raise GantryError(
            f"The VM {machine.path} has the snapshot {listed(machine.snapshots)}, and vSphere does not detach "
            f"{listed(change.names())} from a VM while a snapshot holds it. Nothing was changed. Wait until the "
            "backup that has taken it removes it, or remove it in the vSphere Client, then run again."
        )
    return change


def refuse_held_volumes(observed: ObservedContainer, place: ContainerPlace) -> None:
    """Refuse volumes that other VMs have."""
    own = {machine.moid for machine in (observed.machine, *observed.successors) if machine is not None}
    for volume in place.volumes:
        others = [path for moid, path in volume.users.items() if moid not in own]
        if others:
            raise GantryError(
                f"The volume {volume.name} is attached to the VM {listed(sorted(others))}, and a volume can be used by "
                "one VM only. Remove it from there first, or use another volume.",
                details={"volume": volume.name, "users": sorted(others)},
            )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Differences between the placement that a task gives for a container and where it is now. Pure.

Storage DRS, administrators and vm_vmotion move VMs. Such a difference is reported or reverted by a
migration, as placement_drift says; a container is never replaced for it, which would lose its writable layer.
"""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import DRIFT_WARN
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_comparisons import compared


def in_other_datastore(machine: Machine, place: ContainerPlace) -> bool:
    """Return whether the VM's files are not on the datastore that the task names."""
    return (
        place.datastore is not None and machine.datastore is not None and place.datastore.moid != machine.datastore.moid
    )


def in_other_cluster(machine: Machine, place: ContainerPlace) -> bool:
    """Return whether the VM is not in the cluster that the task names."""
    return place.cluster is not None and machine.cluster is not None and place.cluster.moid != machine.cluster.moid


def drift_warnings(desired: DesiredContainer, observed: ObservedContainer) -> list[str]:
    """Return warnings about options that differ from an existing container and are not applied to it."""
    machine, place, config = observed.machine, observed.place, compared(desired, observed).config
    if machine is None or place is None or config is None:
        return []
    warnings = []
    if desired.placement.drift == DRIFT_WARN:
        if in_other_datastore(machine, place):
            warnings.append(_moved(machine.name, "datastore", machine.datastore, place.datastore, _RELOCATE_REMEDY))
        if in_other_cluster(machine, place):
            warnings.append(_moved(machine.name, "cluster", machine.cluster, place.cluster, _VMOTION_REMEDY))
    if config.scratch_bytes is not None and machine.scratch_bytes not in (None, config.scratch_bytes):
        warnings.append(
            f"The writable layer of container {machine.name} has {machine.scratch_bytes} bytes, and scratch_size is "
            f"{config.scratch_bytes} bytes. The disk was changed outside of this collection. It was kept with its "
            "contents. Set scratch_size to its current size, or set recreate: true to replace the container and lose "
            "its writable layer."
        )
    return warnings


_RELOCATE_REMEDY = "set placement_drift: relocate to move the container back by Storage vMotion"
_VMOTION_REMEDY = "move the container back with vm_vmotion"


def _moved(name: str, option: str, found: object, wanted: object, remedy: str) -> str:
    there, asked = getattr(found, "name", ""), getattr(wanted, "name", "")
    return (
        f"Container {name} is in {option} {there}, while {option} is {asked}. The option says where a container is "
        f"created, so the container was left where it is. Set {option}: {there} if it is to stay there, {remedy}, or "
        "set placement_drift: ignore."
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the devices and snapshots of a VM to what is known of its volumes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import scsi_controller
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def decode_attached(devices: Sequence[Any]) -> tuple[AttachedVolume, ...]:
    """Return the First Class Disks of a VM, in the order of their ids."""
    controller = scsi_controller(devices)
    found = [
        AttachedVolume(
            id=str(device.vDiskId.id),
            unit=device.unitNumber if controller is not None and device.controllerKey == controller.key else None,
        )
        for device in _first_class_disks(devices)
    ]
    return tuple(sorted(found, key=lambda one: one.id))


def decode_disk_datastores(devices: Sequence[Any]) -> dict[str, Any]:
    """Return the datastores that the First Class Disks of a VM are on, by the ids of the disks."""
    return {str(device.vDiskId.id): device.backing.datastore for device in _first_class_disks(devices)}


def _first_class_disks(devices: Sequence[Any]) -> Iterator[Any]:
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualDisk) and getattr(device, "vDiskId", None) is not None:
            yield device


def scsi_units(devices: Sequence[Any]) -> frozenset[int]:
    """Return the units of SCSI controller 0 that have a device."""
    controller = scsi_controller(devices)
    if controller is None:
        return frozenset()
    return frozenset(
        int(device.unitNumber)
        for device in devices
        if device.controllerKey == controller.key and device.unitNumber is not None
    )


def decode_snapshots(info: Any) -> tuple[str, ...]:
    """Return the snapshots with their times, the parents first."""
    return tuple(_snapshots(getattr(info, "rootSnapshotList", None) or ()))


def _snapshots(trees: Iterable[Any]) -> Iterable[str]:
    for tree in trees:
        yield f"{tree.name} of {tree.createTime:%Y-%m-%d %H:%M} UTC"
        yield from _snapshots(tree.childSnapshotList or ())

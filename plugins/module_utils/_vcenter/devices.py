# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual devices and device changes for vCenter's API. Makes no request.

An added device needs a unique key in the request: a negative number, which vCenter replaces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

_KIB = 1024


def add_device(device: Any, *, create_file: bool = False) -> Any:
    """Return the change that adds a device; ``create_file`` has vCenter create the file of a new disk."""
    change = vim.vm.device.VirtualDeviceSpec(operation="add", device=device)
    if create_file:
        change.fileOperation = "create"
    return change


def edit_device(device: Any) -> Any:
    """Return the change that edits an existing device."""
    return vim.vm.device.VirtualDeviceSpec(operation="edit", device=device)


def remove_device(device: Any) -> Any:
    """Return the change that removes a device from its VM, without its files."""
    return vim.vm.device.VirtualDeviceSpec(operation="remove", device=device)


def new_scsi_controller(key: int) -> Any:
    """Return a ParaVirtual SCSI controller for bus 0."""
    return vim.vm.device.ParaVirtualSCSIController(key=key, busNumber=0, sharedBus="noSharing")


def new_disk(key: int, controller: int, unit: int, capacity_bytes: int) -> Any:
    """Return a thin disk whose file is created in the VM's folder."""
    return vim.vm.device.VirtualDisk(
        key=key,
        controllerKey=controller,
        unitNumber=unit,
        capacityInKB=capacity_bytes // _KIB,
        backing=disk_backing(),
    )


def disk_backing(mode: str = "persistent", provisioning: str = "thin") -> Any:
    """Return the backing of a new disk or of a disk that moves; ``provisioning``: thin, thick or eager_zeroed."""
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
        fileName="", diskMode=mode, thinProvisioned=provisioning == "thin"
    )
    if provisioning != "thin":
        backing.eagerlyScrub = provisioning == "eager_zeroed"
    return backing


def new_network_adapter(key: int) -> Any:
    """Return a vmxnet3 adapter that is connected when its VM powers on."""
    return vim.vm.device.VirtualVmxnet3(key=key, connectable=connected(guest_control=True))


def iso_drive_changes(devices: Sequence[Any], path: str | None, *, drive_key: int, controller_key: int) -> list[Any]:
    """Return the changes after which the VM's CD drive holds an ISO and is connected at power on.

    A VM without a drive gets one, and an IDE controller if it has none.
    """
    drive = find_device(devices, vim.vm.device.VirtualCdrom)
    if drive is not None:
        return [edit_device(_iso_drive(path, drive.key, drive.controllerKey, drive.unitNumber))]
    changes = []
    controller = find_device(devices, vim.vm.device.VirtualIDEController)
    if controller is None:
        controller = vim.vm.device.VirtualIDEController(key=controller_key, busNumber=0)
        changes.append(add_device(controller))
    return [*changes, add_device(_iso_drive(path, drive_key, controller.key, 0))]


def find_device(devices: Sequence[Any], kind: Any) -> Any:
    """Return the first device of a class, or None."""
    return next((device for device in devices if isinstance(device, kind)), None)


def scsi_controller(devices: Sequence[Any]) -> Any:
    """Return the SCSI controller of bus 0, which the image disk and the scratch disk are attached to, or None."""
    return next(
        (one for one in devices if isinstance(one, vim.vm.device.VirtualSCSIController) and one.busNumber == 0), None
    )


def connected(*, guest_control: bool) -> Any:
    """Return the connection of a device that is connected now and at power on."""
    return vim.vm.device.VirtualDevice.ConnectInfo(startConnected=True, connected=True, allowGuestControl=guest_control)


def _iso_drive(path: str | None, key: int, controller: int, unit: int) -> Any:
    return vim.vm.device.VirtualCdrom(
        key=key,
        controllerKey=controller,
        unitNumber=unit,
        backing=vim.vm.device.VirtualCdrom.IsoBackingInfo(fileName=path),
        connectable=connected(guest_control=False),
    )

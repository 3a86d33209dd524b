# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Specs of the VM that an import creates, with hardware that every supported host has. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hardware import runs_hardware
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import (
    add_device,
    new_disk,
    new_scsi_controller,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

_CONTROLLER_KEY = -1
_DISK_KEY = -2
_MEMORY_MB = 256


@dataclass(frozen=True)
class Hardware:
    version: str
    guest_id: str


# The guest id "5.x or later" came with vSphere 7. Older hosts in a cluster must be able to run the clones too.
_NEWER = Hardware("vmx-17", "other5xLinux64Guest")
_OLDER = Hardware("vmx-14", "other4xLinux64Guest")


def hardware_for(releases: Sequence[str]) -> Hardware:
    """Return the newest hardware that all hosts run, by their ESXi releases. A host without a release counts as old."""
    new_enough = bool(releases) and all(release and runs_hardware(release, _NEWER.version) for release in releases)
    return _NEWER if new_enough else _OLDER


def config_spec(values: Mapping[str, str], *, name: str | None = None) -> Any:
    """Return a change of extraConfig values, and of the VM's name if one is given."""
    spec = vim.vm.ConfigSpec(extraConfig=_option_values(values))
    if name is not None:
        spec.name = name
    return spec


def import_spec(
    *,
    name: str,
    datastore: str,
    capacity_bytes: int,
    hardware: Hardware,
    extra_config: Mapping[str, str],
) -> Any:
    """Return a powered-off VM without network: a ParaVirtual controller with the disk to upload at unit 0."""
    options = {"disk.EnableUUID": "TRUE", **extra_config}
    return vim.vm.VmImportSpec(
        configSpec=vim.vm.ConfigSpec(
            name=name,
            version=hardware.version,
            guestId=hardware.guest_id,
            numCPUs=1,
            memoryMB=_MEMORY_MB,
            files=vim.vm.FileInfo(vmPathName=f"[{datastore}]"),
            extraConfig=_option_values(options),
            deviceChange=[
                add_device(new_scsi_controller(_CONTROLLER_KEY)),
                add_device(new_disk(_DISK_KEY, _CONTROLLER_KEY, 0, capacity_bytes), create_file=True),
            ],
        )
    )


def copy_spec(*, snapshot: Any, pool: Any, host: Any, datastore: Any, values: Mapping[str, str]) -> Any:
    """Return a powered-off full copy of a template as it was at a snapshot; without a host vCenter chooses one."""
    return vim.vm.CloneSpec(
        location=vim.vm.RelocateSpec(
            pool=pool, datastore=datastore, host=host, diskMoveType="moveAllDiskBackingsAndConsolidate"
        ),
        snapshot=snapshot,
        template=False,
        powerOn=False,
        config=config_spec(values),
    )


def _option_values(values: Mapping[str, str]) -> list[Any]:
    return [vim.option.OptionValue(key=key, value=value) for key, value in values.items()]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check what a plan for a container finds: VMs of others, firmware, and successors that can be used. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import VERSIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ContainerPlace,
    Image,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import (
    Config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import (
    KIND_CONTAINER,
    KIND_SUCCESSOR,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

# With UEFI the firmware and GRUB need more memory than the kernel.
_MIN_MEMORY_UEFI_MB = 256


def refuse_foreign(observed: ObservedContainer) -> None:
    """Refuse a VM of that name that the collection has not created."""
    machine = observed.machine
    if machine is not None and machine.kind != KIND_CONTAINER:
        raise GantryError(
            f"There is a VM {machine.path} that is not a container VM of this collection (it has no gantry.kind "
            f"{KIND_CONTAINER!r}). It is left alone. Choose another name, or give the folder of the container.",
            details={"moid": machine.moid, "path": machine.path},
        )
    for successor in observed.successors:
        if successor.kind != KIND_SUCCESSOR:
            raise GantryError(
                f"{successor.path} has the name of a successor but is not one. It is left alone. Rename or remove it."
            )


def refuse_firmware(config: Config, image: Image) -> None:
    """Refuse too little memory for the firmware."""
    if image.firmware == "efi" and config.memory_mb < _MIN_MEMORY_UEFI_MB:
        raise GantryError(
            f"memory is {config.memory_mb} MiB, and image {config.image} was imported as a VM with UEFI firmware, "
            f"which requires at least {_MIN_MEMORY_UEFI_MB} MiB. Increase it, or set the template's firmware to BIOS."
        )


def is_usable(successor: Machine, config: Config, image: Image, place: ContainerPlace) -> bool:
    """Return whether an interrupted run's successor is the VM that this run would create, and was not started."""
    return (
        successor.container_id is not None
        and successor.power == OFF
        and successor.digest == image.digest
        and successor.scratch_bytes == config.scratch_bytes
        and same_entry(successor.folder, place.folder)
        and same_entry(successor.pool, place.pool)
        and same_entry(successor.datastore, place.datastore)
    )


def start_first_obstacle(machine: Machine, config: Config, place: ContainerPlace) -> str:
    """Return what a new VM cannot have while the old one has it, so that it cannot be started first."""
    if machine.volumes or place.volumes:
        return "only one VM can use its volumes"
    if any(network.mac is not None for network in config.networks):
        return "only one VM can have its MAC address"
    document = machine.document or {}
    if any(any(static_addresses(document, version)) for version in VERSIONS):
        return "only one VM can have its address, which DHCP does not give"
    return ""


def same_entry(one: object, other: object) -> bool:
    """Return whether both are the same object of the inventory, or neither is one."""
    return getattr(one, "moid", None) == getattr(other, "moid", None)


def entry_name(node: Entry | None) -> str:
    return "" if node is None else node.name

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode a target machine as vCenter's clone and reconfigure specs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_names import encode_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_networks import recorded_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerAdapter, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import (
    CPU,
    DEFAULTS,
    MEMORY,
    UNLIMITED,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import LIVE, OFFLINE, differing
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import SCRATCH_UNIT
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import (
    add_device,
    edit_device,
    find_device,
    iso_drive_changes,
    new_disk,
    new_network_adapter,
    remove_device,
    scsi_controller,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim

# Devices that do not exist yet have unique negative keys.
_CDROM_KEY = -1
_IDE_KEY = -2
_SCRATCH_KEY = -3
_FIRST_ADAPTER_KEY = -10

# The fields of a machine that are devices of its VM.
DEVICE_ASPECTS = frozenset({"adapters", "adapters_connected", "bootstrap", "bootstrap_connected", "scratch_bytes"})

# The backing of an adapter, by the MoID of its port group.
Backings = Mapping[str, Any]


def clone_spec(
    target: Machine,
    snapshot: Any,
    devices: Sequence[Any],
    backings: Backings,
    *,
    pool: Any,
    datastore: Any,
    host: Any,
    starts: bool,
) -> Any:
    """Return a powered-off linked clone with its own scratch disk, adapters and CD; without a host DRS chooses one.

    ``starts``: the container is started as soon as it is created.
    """
    values = encode(target)
    values |= {keys.STATUS: keys.NOT_REPORTED, keys.LOG: keys.NOT_REPORTED}
    if starts:
        values[keys.KEPT_STATUS] = keys.STARTED
    values.update(dict.fromkeys(keys.OF_TEMPLATES_ONLY, ""))
    changes = [
        *_remove_all(devices, vim.vm.device.VirtualEthernetCard),
        *_adapter_changes((), target.adapters, devices, backings),
        *_cdrom_changes(devices, target.bootstrap),
    ]
    if target.scratch_bytes is not None:
        changes.append(_scratch_disk(devices, target.scratch_bytes))
    config = vim.vm.ConfigSpec(
        annotation=target.notes,
        bootOptions=_boot_options(target),
        memoryMB=target.memory_mb,
        numCPUs=target.cpus,
        cpuHotAddEnabled=target.hot_add.cpus,
        memoryHotAddEnabled=target.hot_add.memory,
        extraConfig=_options(values),
        deviceChange=changes,
    )
    _allocate(config, DEFAULTS, target.allocation)
    return vim.vm.CloneSpec(
        location=vim.vm.RelocateSpec(
            pool=pool, datastore=datastore, host=host, diskMoveType="createNewChildDiskBacking"
        ),
        snapshot=snapshot,
        template=False,
        powerOn=False,
        config=config,
    )


def reconfigure_spec(machine: Machine, target: Machine, devices: Sequence[Any], backings: Backings) -> Any:
    """Return a spec of only the differences."""
    spec = vim.vm.ConfigSpec(extraConfig=_options(changed_values(encode(machine), encode(target))))
    changed = differing(machine, target, OFFLINE + LIVE)
    _resize(spec, target, changed)
    _allocate(spec, machine.allocation, target.allocation)
    if "notes" in changed:
        spec.annotation = target.notes
    if {"boot_order", "secure_boot"} & set(changed):
        spec.bootOptions = _boot_options(target)
    if "firmware" in changed:
        spec.firmware = target.firmware
    if "disk_uuid" in changed:
        spec.extraConfig += _options({keys.DISK_UUID: "TRUE"})
    changes = []
    if "adapters" in changed:
        changes += _adapter_changes(machine.adapters, target.adapters, devices, backings)
    elif "adapters_connected" in changed:
        changes += _adapter_connections(machine, devices)
    if {"bootstrap", "bootstrap_connected"} & set(changed):
        changes += _cdrom_changes(devices, target.bootstrap, running=machine.running)
    if "scratch_bytes" in changed and target.scratch_bytes is not None:
        changes.append(_scratch_disk(devices, target.scratch_bytes))
    if changes:
        spec.deviceChange = changes
    return spec


def _resize(spec: Any, target: Machine, changed: Sequence[str]) -> None:
    """Set the sizes in a ConfigSpec that differ, and whether they can be increased while the VM runs."""
    if "memory_mb" in changed:
        spec.memoryMB = target.memory_mb
    if "cpus" in changed:
        spec.numCPUs = target.cpus
    if "hot_add" in changed:
        spec.cpuHotAddEnabled, spec.memoryHotAddEnabled = target.hot_add.cpus, target.hot_add.memory


def _allocate(spec: Any, before: Mapping[str, int | str], after: Mapping[str, int | str]) -> None:
    """Set the allocation of CPU and that of memory in a ConfigSpec, if they differ."""
    for kind, unit in ((CPU, 1), (MEMORY, MIB)):
        names = [f"{kind}_{name}" for name in ("reservation", "limit", "shares")]
        if all(before[name] == after[name] for name in names):
            continue
        reservation, limit, shares = (after[name] for name in names)
        custom = isinstance(shares, int)
        info = vim.ResourceAllocationInfo(
            reservation=int(reservation) // unit,
            limit=-1 if limit == UNLIMITED else int(limit) // unit,
            # The number is required by the schema of the API, and ignored where there is a level.
            shares=vim.SharesInfo(level="custom" if custom else shares, shares=shares if custom else 0),
        )
        setattr(spec, f"{kind}Allocation", info)


def relocate_specs(home: Any, datastore: Any, devices: Sequence[Any], *, shares_image: bool) -> list[Any]:
    """Return the specs of the Storage vMotions that move a VM with all of its disks, one after the other.

    vSphere moves one First Class Disk of a VM at a time. The VM itself, whose datastore is ``home``, is moved last with
    the only volume that is left, so that the next run continues a move that was interrupted. Each of the other specs
    names all disks, because vCenter moves unnamed ones to the VM's own datastore.

    moveAllDiskBackingsAndAllowSharing attaches the moved disk to a read-only backing of the same content in the target
    datastore: to the disk of the image's template there. moveAllDiskBackingsAndDisallowSharing copies the whole chain.
    """
    sharing = "moveAllDiskBackingsAndAllowSharing" if shares_image else "moveAllDiskBackingsAndDisallowSharing"
    disks = [device for device in devices if isinstance(device, vim.vm.device.VirtualDisk)]
    places = {disk.key: disk.backing.datastore for disk in disks}
    volumes = [
        disk.key
        for disk in disks
        if getattr(disk, "vDiskId", None) is not None and moid_of(places[disk.key]) != moid_of(datastore)
    ]
    specs = []
    for key in volumes[1:]:
        places[key] = datastore
        locators = [vim.vm.RelocateSpec.DiskLocator(diskId=one, datastore=place) for one, place in places.items()]
        specs.append(vim.vm.RelocateSpec(datastore=home, disk=locators))
    return [*specs, vim.vm.RelocateSpec(datastore=datastore, diskMoveType=sharing)]


def extra_config_spec(values: Mapping[str, str]) -> Any:
    return vim.vm.ConfigSpec(extraConfig=_options(values))


def name_spec(name: str, kind: str) -> Any:
    """Set name and kind in one call, so that they never disagree."""
    return vim.vm.ConfigSpec(name=name, extraConfig=_options({keys.KIND: kind}))


def _options(values: Mapping[str, str]) -> list[Any]:
    return [vim.option.OptionValue(key=key, value=value) for key, value in values.items()]


def _adapter_changes(
    existing: Sequence[ContainerAdapter], wanted: Sequence[ContainerAdapter], devices: Sequence[Any], backings: Backings
) -> list[Any]:
    """Return the changes of adapters. Existing adapters keep their device, and with it their MAC and PCI slot."""
    by_key = {device.key: device for device in devices}
    changes = []
    for index, adapter in enumerate(wanted):
        if index < len(existing):
            if adapter != existing[index]:
                changes.append(edit_device(_set_adapter(by_key[adapter.key], adapter, backings)))
        else:
            card = new_network_adapter(_FIRST_ADAPTER_KEY - index)
            changes.append(add_device(_set_adapter(card, adapter, backings)))
    changes += [remove_device(by_key[adapter.key]) for adapter in existing[len(wanted) :]]
    return changes


def _adapter_connections(machine: Machine, devices: Sequence[Any]) -> list[Any]:
    """Connect adapters that were disconnected, now if the VM is running, and at each power on."""
    changes = []
    for device in devices:
        if any(adapter.key == device.key and not adapter.connected for adapter in machine.adapters):
            device.connectable.startConnected = True
            device.connectable.connected = machine.running
            changes.append(edit_device(device))
    return changes


def _set_adapter(card: Any, adapter: ContainerAdapter, backings: Backings) -> Any:
    card.backing = backings[adapter.network]
    if adapter.mac is not None and adapter.mac != card.macAddress:
        card.addressType = "manual"
        card.macAddress = adapter.mac
    return card


def _scratch_disk(devices: Sequence[Any], size: int) -> Any:
    controller = scsi_controller(devices)
    if controller is None:
        raise GantryError("The image's template has no SCSI controller. Run container_image for the image again.")
    return add_device(new_disk(_SCRATCH_KEY, controller.key, SCRATCH_UNIT, size), create_file=True)


def _cdrom_changes(devices: Sequence[Any], path: str | None, *, running: bool = False) -> list[Any]:
    """Put the bootstrap ISO into the CD drive, which the template may lack.

    A running guest does not read the CD any more, so its current connection is not changed: administrators may have
    disconnected it to migrate the VM.
    """
    changes = iso_drive_changes(devices, path, drive_key=_CDROM_KEY, controller_key=_IDE_KEY)
    drive = find_device(devices, vim.vm.device.VirtualCdrom)
    if running and drive is not None:
        changes[0].device.connectable.connected = bool(drive.connectable and drive.connectable.connected)
    return changes


def _boot_options(machine: Machine) -> Any:
    """Return the boot options: the machine's order, without Secure Boot, which would reject the bootstrap's kernel."""
    kinds = vim.vm.BootOptions
    by_name = {
        "cdrom": kinds.BootableCdromDevice,
        "disk": kinds.BootableDiskDevice,
        "ethernet": kinds.BootableEthernetDevice,
        "floppy": kinds.BootableFloppyDevice,
    }
    order = [by_name[name]() for name in machine.boot_order]
    return kinds(bootOrder=order, efiSecureBootEnabled=machine.secure_boot)


def _remove_all(devices: Sequence[Any], kind: Any) -> list[Any]:
    return [remove_device(device) for device in devices if isinstance(device, kind)]


def encode(machine: Machine) -> dict[str, str]:
    """Return the extraConfig keys of a container VM in its target state."""
    document = pack(canonical_json(machine.document))
    return {
        keys.SCHEMA: keys.SCHEMA_VERSION,
        keys.KIND: machine.kind or "",
        keys.CONTAINER_ID: machine.container_id or "",
        keys.HASH: machine.config_hash or "",
        keys.IMAGE: machine.image or "",
        keys.DIGEST: machine.digest or "",
        keys.DISK: machine.disk or "",
        keys.LABELS: pack(canonical_json(dict(machine.labels))),
        keys.CONFIG: pack(canonical_json(machine.config)),
        keys.ADDRESSES: keys.encode_addresses(recorded_addresses(machine.document)),
        keys.NAMES: encode_names(machine.names),
        keys.SPEC: "" if machine.document_lost else document,
        keys.KEPT_SPEC: document,
        keys.START_PENDING: keys.TRUE if machine.start_pending else "",
    }


def changed_values(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in after.items() if before.get(key) != value}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode VMs, with the devices that may prevent a migration, and running migrations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER, KINDS_OF_CONTAINERS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    AdapterFacts,
    ContainerRun,
    DeviceFacts,
    DiskFacts,
    DiskFile,
    MoveInFlight,
    Power,
    VmDemand,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import connected_network
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none, vim

DEVICES = "config.hardware.device"
# The properties that decoding a VM needs.
VM_PROPERTIES = (
    "config.cpuAllocation.reservation",
    "config.files.vmPathName",
    DEVICES,
    "config.hardware.memoryMB",
    "config.instanceUuid",
    "config.memoryAllocation.reservation",
    "config.version",
    "guest.ipAddress",
    "guest.net",
    "layoutEx",
    "resourcePool",
    "runtime.connectionState",
    "runtime.host",
    "runtime.memoryOverhead",
    "runtime.minRequiredEVCModeKey",
    "runtime.powerState",
    "snapshot",
    keys.option_path(keys.KIND),
    keys.option_path(keys.STATUS),
)
# The properties that decoding the demand of a VM needs.
DEMAND_PROPERTIES = (
    "config.cpuAllocation.reservation",
    "config.hardware.memoryMB",
    "config.memoryAllocation.reservation",
    "runtime.host",
    "runtime.memoryOverhead",
    "runtime.powerState",
)

_MIB = 1 << 20
_POWER: dict[str, Power] = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}
# The descriptionIds of tasks that move a VM, started by clients and by DRS.
_MOVES = ("VirtualMachine.relocate", "VirtualMachine.migrate", "Drm.ExecuteVMotion")


def decode_running_moves(rows: Iterable[Row]) -> dict[str, MoveInFlight]:
    """Return the queued and running migrations, by the MoID of the VM."""
    found = {}
    for row in rows:
        info = row.get("info")
        if info is None or info.state not in ("queued", "running") or info.entity is None:
            continue
        if str(info.descriptionId).startswith(_MOVES):
            found[moid_of(info.entity)] = MoveInFlight(row.moid, info.progress)
    return found


def decode_vms(
    inventory: Inventory, rows: Iterable[tuple[Entry, Row]], in_flight: Mapping[str, MoveInFlight]
) -> list[VmFacts]:
    """Decode VMs, in the order of their rows."""
    stores = {(entry.datacenter, entry.name): entry.moid for entry in inventory.all("Datastore")}
    return [_vm(inventory, entry, row, stores, in_flight.get(entry.moid)) for entry, row in rows]


def _vm(
    inventory: Inventory,
    entry: Entry,
    row: Row,
    stores: Mapping[tuple[str | None, str], str],
    in_flight: MoveInFlight | None,
) -> VmFacts:
    devices = row.get(DEVICES) or ()
    host = moid_or_none(row.get("runtime.host"))
    host_entry = inventory.entry(host or "")
    home = datastore_name(row.get("config.files.vmPathName"))
    return VmFacts(
        moid=row.moid,
        name=entry.name,
        path=entry.path,
        host=host,
        cluster=None if host_entry is None else host_entry.parent,
        pool=moid_or_none(row.get("resourcePool")),
        power=_POWER[str(row.get("runtime.powerState", "poweredOff"))],
        connection=str(row.get("runtime.connectionState", "connected")),
        home=None if home is None else stores.get((entry.datacenter, home)),
        disks=tuple(disk for device in devices if (disk := _disk(device, row.get("layoutEx"))) is not None),
        adapters=tuple(
            AdapterFacts(device.key, _label(device), connected_network(inventory, device.backing, entry.datacenter))
            for device in devices
            if isinstance(device, vim.vm.device.VirtualEthernetCard)
        ),
        devices=tuple(one for device in devices if (one := _concern(device, boots=_is_container(row))) is not None),
        snapshots=bool(getattr(row.get("snapshot"), "rootSnapshotList", None)),
        evc=row.get("runtime.minRequiredEVCModeKey"),
        hardware=row.get("config.version"),
        memory_mb=int(row.get("config.hardware.memoryMB") or 0),
        reserved_mb=reserved_mb(row),
        reserved_mhz=int(row.get("config.cpuAllocation.reservation") or 0),
        instance_uuid=row.get("config.instanceUuid"),
        addresses=_addresses(row),
        process=_process(row),
        in_flight=in_flight,
    )


def reserved_mb(properties: Mapping[str, Any]) -> int:
    """Return the memory that a VM has reserved, with its overhead."""
    overhead = int(properties.get("runtime.memoryOverhead") or 0) // _MIB
    return int(properties.get("config.memoryAllocation.reservation") or 0) + overhead


def is_on(properties: Mapping[str, Any]) -> bool:
    """Return whether a VM is powered on."""
    return properties.get("runtime.powerState") == "poweredOn"


def decode_demand(properties: Mapping[str, Any]) -> VmDemand | None:
    """Return what a VM demands of its host, from its DEMAND_PROPERTIES; None if it has no host."""
    host = moid_or_none(properties.get("runtime.host"))
    if host is None:
        return None
    return VmDemand(
        host=host,
        reserved_mb=reserved_mb(properties),
        reserved_mhz=int(properties.get("config.cpuAllocation.reservation") or 0),
        memory_mb=int(properties.get("config.hardware.memoryMB") or 0),
    )


def _disk(device: Any, layout: Any) -> DiskFacts | None:
    if not isinstance(device, vim.vm.device.VirtualDisk):
        return None
    backing = device.backing
    store = getattr(backing, "datastore", None)
    if store is None:
        return None
    provisioning = None
    if getattr(backing, "thinProvisioned", None) is not None:
        thick = "eager_zeroed" if getattr(backing, "eagerlyScrub", False) else "thick"
        provisioning = "thin" if backing.thinProvisioned else thick
    mode = str(getattr(backing, "diskMode", None) or "persistent")
    linked = getattr(backing, "parent", None) is not None
    units = _units(device.key, layout)
    own = next((unit for unit in units if unit.path == backing.fileName), None)
    return DiskFacts(
        device.key,
        _label(device),
        moid_of(store),
        provisioning,
        mode,
        linked,
        capacity=int(device.capacityInBytes or 0),
        file=own,
        parents=() if own is None else tuple(unit for unit in units if unit is not own),
        volume=getattr(device, "vDiskId", None) is not None,
    )


def _units(key: int, layout: Any) -> list[DiskFile]:
    """Return the files of a disk and its parents, by the descriptors, with the sizes of all that belongs to each."""
    files = {file.key: file for file in getattr(layout, "file", None) or ()}
    chains = [disk.chain for disk in getattr(layout, "disk", None) or () if disk.key == key]
    units = []
    for unit in chains[0] or () if chains else ():
        parts = [files[number] for number in unit.fileKey if number in files]
        # The descriptor has the name that the disk's backing has.
        path = next((part.name for part in parts if part.type == "diskDescriptor"), None)
        if path is not None:
            units.append(DiskFile(path, sum(int(part.size) for part in parts)))
    return units


def _is_container(row: Row) -> bool:
    return keys.option(row, keys.KIND) in KINDS_OF_CONTAINERS


def _concern(device: Any, *, boots: bool) -> DeviceFacts | None:
    """Return the device if it may prevent a move. ``boots``: the VM is a container VM, which boots from its ISO."""
    kinds = vim.vm.device
    if boots and isinstance(device, kinds.VirtualCdrom) and getattr(device.backing, "fileName", None):
        found = _medium(device)
        return None if found is None else replace(found, code="bootstrap_not_shared", boots=True)
    if isinstance(device, kinds.VirtualPCIPassthrough | kinds.VirtualSriovEthernetCard | kinds.VirtualSCSIPassthrough):
        return None if _follows(device) else DeviceFacts("passthrough", f"{_label(device)}, a device of the host,")
    if isinstance(device, kinds.VirtualUSB):
        bound = device.connected and not isinstance(device.backing, kinds.VirtualUSB.RemoteHostBackingInfo)
        return DeviceFacts("passthrough", f"{_label(device)}, a USB device,") if bound else None
    connected = bool(getattr(device.connectable, "connected", False))
    if isinstance(device, kinds.VirtualSerialPort) and connected:
        return _serial(device)
    if isinstance(device, kinds.VirtualCdrom | kinds.VirtualFloppy) and connected:
        return _medium(device)
    return None


def _follows(device: Any) -> bool:
    """Return whether vCenter may move a running VM with the device, which its check before a move decides."""
    kinds = vim.vm.device.VirtualPCIPassthrough
    if isinstance(device.backing, kinds.VmiopBackingInfo):  # a vGPU
        return device.backing.migrateSupported is not False
    # Hosts that have the device class can take over a device virtualization extension (DVX).
    return isinstance(device.backing, kinds.DvxBackingInfo)


def _serial(device: Any) -> DeviceFacts | None:
    backing = device.backing
    kinds = vim.vm.device.VirtualSerialPort
    if isinstance(backing, kinds.FileBackingInfo):
        store = moid_or_none(backing.datastore)
        return (
            None if store is None else DeviceFacts("serial_connected", f"{_label(device)} ({backing.fileName})", store)
        )
    if isinstance(backing, kinds.URIBackingInfo) and backing.proxyURI:
        return None  # through a concentrator (vSPC), which does not prevent a migration
    return DeviceFacts("serial_connected", f"{_label(device)}, which leads out of the VM,")


def _medium(device: Any) -> DeviceFacts | None:
    backing = device.backing
    name = getattr(backing, "fileName", None)
    if name is None:
        return DeviceFacts("cd_attached", f"{_label(device)}, with a medium of the host or of a client,")
    store = moid_or_none(getattr(backing, "datastore", None))
    # Without a datastore it is a file that every host has locally, such as the images of VMware Tools.
    return None if store is None else DeviceFacts("cd_attached", f"{_label(device)} with {name}", store)


def _addresses(row: Row) -> tuple[str, ...]:
    first = [row["guest.ipAddress"]] if row.get("guest.ipAddress") else []
    nics = [address for nic in row.get("guest.net") or () for address in nic.ipAddress or ()]
    return tuple(dict.fromkeys([*first, *nics]))


def _process(row: Row) -> ContainerRun | None:
    if keys.option(row, keys.KIND) != KIND_CONTAINER:
        return None
    status = decode_status(keys.option(row, keys.STATUS))
    if status is None or status.get("state") != "running":
        return None
    return ContainerRun(str(status.get("id")), status.get("started_at"), status.get("restart_count") or 0)


def _label(device: Any) -> str:
    return str(getattr(device.deviceInfo, "label", None) or f"device {device.key}")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode vCenter's properties into the model of a machine or an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import parse_object, parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_allocation import decode_allocation
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_hot_add import (
    HOT_ADD_PROPERTIES,
    decode_hot_add,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_names import decode_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_volumes import (
    decode_attached,
    decode_snapshots,
    scsi_units,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    EXIT_NO_RECORD,
    EXIT_NOT_ENDED,
    EXIT_OTHER_DISK,
    EXIT_OTHER_DOCUMENT,
    EXIT_READ,
    FINAL_STATES,
    OFF,
    ON,
    ContainerAdapter,
    Image,
    Machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import SCRATCH_UNIT
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_IMAGE
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import LogPage, decode_published
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import (
    STARTED,
    decode_record,
    digest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.decode import (
    host_can_clone,
    registered_template,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import connected_network
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import find_device, scsi_controller
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none, vim

SNAPSHOT_NAME = "gantry-base"

# What is reported of a container, and what else is compared with its desired state.
_REPORTED_KEYS = (
    keys.KIND,
    keys.CONTAINER_ID,
    keys.IMAGE,
    keys.DIGEST,
    keys.LABELS,
    keys.KEPT_SPEC,
    keys.STATUS,
    keys.KEPT_STATUS,
)
_COMPARED_KEYS = (
    keys.SPEC,
    keys.HASH,
    keys.DISK,
    keys.DISK_UUID,
    keys.CONFIG,
    keys.START_PENDING,
    keys.NAMES,
    keys.NAMES_TABLE,
)
_IMAGE_KEYS = (keys.KIND, keys.DIGEST, keys.DISK, keys.IMAGE_CONFIG, keys.IMAGE_REFERENCES, keys.IMAGE_STATE)


# What is reported of a container, but for what only its devices say.
REPORTED_PROPERTIES = (
    *HOT_ADD_PROPERTIES,
    "config.annotation",
    "config.files.vmPathName",
    "config.hardware.memoryMB",
    "config.hardware.numCPU",
    "config.instanceUuid",
    "datastore",
    "guest.net",
    "guest.toolsRunningStatus",
    "resourcePool",
    "runtime.host",
    "runtime.powerState",
    *(keys.option_path(key) for key in _REPORTED_KEYS),
)
# About as much data as all the others together.
DEVICES_PROPERTY = "config.hardware.device"
MACHINE_PROPERTIES = (
    *REPORTED_PROPERTIES,
    DEVICES_PROPERTY,
    "config.bootOptions",
    "config.cpuAllocation",
    "config.firmware",
    "config.memoryAllocation",
    "config.flags.diskUuidEnabled",
    "snapshot",
    *(keys.option_path(key) for key in _COMPARED_KEYS),
)
IMAGE_PROPERTIES = (
    "config.files.vmPathName",
    "config.firmware",
    "config.template",
    "config.version",
    "datastore",
    "runtime.host",
    "snapshot",
    *(keys.option_path(key) for key in _IMAGE_KEYS),
)
_BOOT_DEVICES = {
    "BootableCdromDevice": "cdrom",
    "BootableDiskDevice": "disk",
    "BootableEthernetDevice": "ethernet",
    "BootableFloppyDevice": "floppy",
}
LOG_PROPERTIES = (keys.option_path(keys.LOG), keys.option_path(keys.KEPT_LOG))


def decode_machine(inventory: Inventory, entry: Entry, row: Mapping[str, Any]) -> Machine:
    """Decode one VM that has a container's name. A property that was not read counts as not set."""
    if "config.hardware.memoryMB" not in row:
        raise GantryError(
            f"The VM {entry.path} cannot be read. It is being created or removed, its files are not "
            "accessible, or this user lacks the privilege to read it. Check it in vCenter, then run again."
        )
    devices = row.get(DEVICES_PROPERTY) or ()
    pool = _referred(inventory, row.get("resourcePool"))
    power = str(row["runtime.powerState"])
    document = keys.option(row, keys.KEPT_SPEC) or keys.option(row, keys.SPEC)
    status, page = _last_report(row, power)
    return Machine(
        moid=entry.moid,
        name=entry.name,
        path=entry.path,
        kind=keys.option(row, keys.KIND),
        power=power,
        container_id=keys.option(row, keys.CONTAINER_ID),
        image=keys.option(row, keys.IMAGE),
        digest=keys.option(row, keys.DIGEST),
        disk=keys.option(row, keys.DISK),
        labels=keys.decode_labels(keys.option(row, keys.LABELS)),
        config=parse_object(keys.option(row, keys.CONFIG)),
        config_hash=keys.option(row, keys.HASH),
        document=parse_object(document),
        document_lost=keys.option(row, keys.SPEC) != document,
        document_digest=None if document is None else digest(document),
        status=status,
        log=(page.text or None) if page else None,
        log_page=page,
        tools_running=row.get("guest.toolsRunningStatus") == "guestToolsRunning",
        addresses=tuple(_addresses(row.get("guest.net") or ())),
        memory_mb=int(row["config.hardware.memoryMB"]),
        cpus=int(row.get("config.hardware.numCPU") or 0),
        hot_add=decode_hot_add(row),
        allocation=decode_allocation(row),
        notes=row.get("config.annotation") or "",
        adapters=decode_adapters(inventory, devices, entry.datacenter, power=power),
        bootstrap=_bootstrap(devices),
        bootstrap_connected=_starts_connected(find_device(devices, vim.vm.device.VirtualCdrom)),
        boot_order=_boot_order(row.get("config.bootOptions")),
        firmware=row.get("config.firmware"),
        secure_boot=bool(getattr(row.get("config.bootOptions"), "efiSecureBootEnabled", False)),
        disk_uuid=_has_disk_uuid(row),
        scratch_bytes=_scratch_bytes(devices),
        volumes=decode_attached(devices),
        scsi_units=scsi_units(devices),
        snapshots=decode_snapshots(row.get("snapshot")),
        datacenter=_entry(inventory, entry.datacenter),
        folder=_entry(inventory, entry.parent),
        pool=pool,
        cluster=None if pool is None else _referred(inventory, pool.properties.get("owner")),
        host=_referred(inventory, row.get("runtime.host")),
        datastore=_home(inventory, row),
        instance_uuid=row.get("config.instanceUuid"),
        start_pending=keys.option(row, keys.START_PENDING) == keys.TRUE,
        names=decode_names(keys.option(row, keys.NAMES)),
        names_table=keys.option(row, keys.NAMES_TABLE),
    )


def _last_report(row: Mapping[str, Any], power: str) -> tuple[dict[str, Any] | None, LogPage | None]:
    """Return the last status and the log of a container: what its guest reports, or the record of its end.

    vSphere can drop what a guest has reported when the VM powers off.
    """
    status, log = decode_status(keys.option(row, keys.STATUS)), keys.option(row, keys.LOG)
    kept = decode_status(keys.option(row, keys.KEPT_STATUS))
    if power == OFF and kept and (status or {}).get("state") not in FINAL_STATES:
        status, log = kept, keys.option(row, keys.KEPT_LOG)
    return status or None, decode_published(log)


def decode_exit(machine: Machine, beginning: bytes | None) -> Machine:
    """Return a container with the end that the beginning of its scratch disk records, or with why it records none."""
    if beginning is None:
        return replace(machine, exit_from_disk=EXIT_OTHER_DISK)
    record = decode_record(beginning)
    state = None if record is None else record.status.get("state")
    if record is None or state not in (STARTED, *FINAL_STATES):
        return replace(machine, exit_from_disk=EXIT_NO_RECORD)
    if machine.document_digest is not None and record.document != machine.document_digest:
        return replace(machine, exit_from_disk=EXIT_OTHER_DOCUMENT)
    if state == STARTED:
        return replace(machine, exit_from_disk=EXIT_NOT_ENDED)
    return replace(machine, status=record.status, log=record.log, exit_from_disk=EXIT_READ)


def decode_image(inventory: Inventory, entry: Entry, row: Mapping[str, Any]) -> Image | None:
    """Decode one template, or return None if it cannot be cloned yet."""
    digest, disk = keys.option(row, keys.DIGEST), keys.option(row, keys.DISK)
    snapshot = base_snapshot(row)
    datastore = _home(inventory, row)
    if keys.option(row, keys.KIND) != KIND_IMAGE or keys.option(row, keys.IMAGE_STATE) != "ready":
        return None
    if digest is None or disk is None or snapshot is None or datastore is None:
        return None
    host = moid_or_none(row.get("runtime.host")) or ""
    return Image(
        moid=entry.moid,
        name=entry.name,
        digest=digest,
        disk=disk,
        references=parse_strings(keys.option(row, keys.IMAGE_REFERENCES)),
        config=parse_object(keys.option(row, keys.IMAGE_CONFIG)) or {},
        datastore=datastore,
        snapshot=snapshot,
        firmware=row.get("config.firmware"),
        datacenter=_entry(inventory, entry.datacenter),
        hardware=row.get("config.version"),
        registered=registered_template(
            entry,
            host,
            config_file=str(row.get("config.files.vmPathName") or ""),
            datastores=[datastore.moid],
            hardware=row.get("config.version"),
            is_template=bool(row.get("config.template")),
        ),
        usable=host_can_clone(inventory, host),
    )


def decode_adapters(
    inventory: Inventory, devices: Iterable[Any], datacenter: str | None, *, power: str = OFF
) -> tuple[ContainerAdapter, ...]:
    """Return the network adapters in the order of their keys, which is the order of the guest's PCI slots."""
    return tuple(_adapter(inventory, card, datacenter, power) for card in _cards(devices))


def decode_macs(devices: Iterable[Any]) -> list[str | None]:
    """Return the MAC address of each network adapter, in the same order."""
    return [card.macAddress or None for card in _cards(devices)]


def _cards(devices: Iterable[Any]) -> list[Any]:
    cards = [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
    return sorted(cards, key=lambda card: int(card.key))


def _adapter(inventory: Inventory, card: Any, datacenter: str | None, power: str) -> ContainerAdapter:
    moid = connected_network(inventory, card.backing, datacenter) or ""
    network = inventory.entry(moid)
    return ContainerAdapter(
        key=card.key,
        network=moid,
        mac=card.macAddress or None,
        # No device of a powered-off VM is connected.
        connected=_starts_connected(card) and (power != ON or _is_connected(card)),
        network_name="" if network is None else network.name,
    )


def _starts_connected(device: Any) -> bool:
    """Return whether a device is connected when its VM powers on."""
    connectable = getattr(device, "connectable", None)
    return connectable is None or bool(connectable.startConnected)


def _is_connected(device: Any) -> bool:
    connectable = getattr(device, "connectable", None)
    return connectable is None or bool(connectable.connected)


def _boot_order(options: Any) -> tuple[str, ...]:
    return tuple(
        _BOOT_DEVICES.get(type(device).__name__.rpartition(".")[2], "")
        for device in getattr(options, "bootOrder", None) or ()
    )


def _has_disk_uuid(row: Mapping[str, Any]) -> bool:
    """Return whether the guest sees disk UUIDs: vCenter has a flag and an extraConfig key, and either may be set."""
    return bool(row.get("config.flags.diskUuidEnabled")) or (keys.option(row, keys.DISK_UUID) or "").upper() == "TRUE"


def _bootstrap(devices: Iterable[Any]) -> str | None:
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualCdrom):
            name = getattr(device.backing, "fileName", None)
            return str(name) if name else None
    return None


def _scratch_bytes(devices: Sequence[Any]) -> int | None:
    controller = scsi_controller(devices)
    for device in devices:
        if (
            controller is not None
            and isinstance(device, vim.vm.device.VirtualDisk)
            and device.controllerKey == controller.key
            and device.unitNumber == SCRATCH_UNIT
        ):
            return int(device.capacityInBytes or device.capacityInKB * 1024)
    return None


def _addresses(nics: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for nic in nics:
        yield {
            "network": nic.network or None,
            "mac_address": nic.macAddress,
            "connected": bool(nic.connected),
            "ip_addresses": [str(address) for address in nic.ipAddress or ()],
        }


def base_snapshot(row: Mapping[str, Any]) -> str | None:
    """Return the MoID of the snapshot that containers are cloned from."""
    return _find_snapshot(getattr(row.get("snapshot"), "rootSnapshotList", None) or ())


def _find_snapshot(trees: Iterable[Any]) -> str | None:
    for tree in trees:
        if tree.name == SNAPSHOT_NAME:
            return moid_of(tree.snapshot)
        found = _find_snapshot(tree.childSnapshotList or ())
        if found is not None:
            return found
    return None


def _home(inventory: Inventory, row: Mapping[str, Any]) -> Entry | None:
    """Return the datastore of the VM's own files; its ISO may be on another one."""
    name = datastore_name(row.get("config.files.vmPathName"))
    entries = [_referred(inventory, ref) for ref in row.get("datastore") or ()]
    return next((entry for entry in entries if entry is not None and entry.name == name), None)


def _entry(inventory: Inventory, moid: str | None) -> Entry | None:
    return None if moid is None else inventory.entry(moid)


def _referred(inventory: Inventory, ref: Any) -> Entry | None:
    return None if ref is None else inventory.entry(moid_of(ref))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From vCenter's objects to facts: one read of the inventory, and one of the VMs with their clusters and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    AdapterFacts,
    ClusterFacts,
    ContainerRun,
    DatastoreFacts,
    DeviceFacts,
    DiskFacts,
    FailoverReserve,
    HostFacts,
    MandatoryRule,
    MoveInFlight,
    PlacementView,
    Power,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import (
    moid_of,
    moid_or_none,
    moids_of,
    vim,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_MIB = 1 << 20
_POWER: dict[str, Power] = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}
# By which a task says that it moves its VM: vCenter's own name of it, and that of one which DRS has begun.
_MOVES = ("VirtualMachine.relocate", "VirtualMachine.migrate", "Drm.ExecuteVMotion")

# What the one read of the inventory must have.
VIEW_PROPERTIES: Mapping[str, Sequence[str]] = {
    "HostSystem": (
        "datastore",
        "network",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.config.product.version",
        "summary.hardware.cpuMhz",
        "summary.hardware.memorySize",
        "summary.hardware.numCpuCores",
        "summary.maxEVCModeKey",
        "summary.quickStats.overallMemoryUsage",
    ),
    "Datastore": ("summary.accessible", "summary.freeSpace", "summary.maintenanceMode", "summary.url"),
    "StoragePod": (),
    # What else must be read of a VM: its cluster, and the tasks that may move it.
    "VirtualMachine": ("recentTask", "runtime.host"),
}
_DEVICES = "config.hardware.device"
_VM_PROPERTIES = (
    "config.cpuAllocation.reservation",
    "config.files.vmPathName",
    _DEVICES,
    "config.hardware.memoryMB",
    "config.instanceUuid",
    "config.memoryAllocation.reservation",
    "config.version",
    "guest.ipAddress",
    "guest.net",
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
_PROPERTIES: Mapping[str, Sequence[str]] = {
    "VirtualMachine": _VM_PROPERTIES,
    "ClusterComputeResource": ("configurationEx", "summary"),
    "Task": ("info",),
}


# -- the world


def view_of(inventory: Inventory, clusters: Mapping[str, ClusterFacts]) -> PlacementView:
    """All hosts, datastores and networks; of the clusters only these."""
    return PlacementView(
        hosts={entry.moid: _host(entry, entry.properties) for entry in inventory.all("HostSystem")},
        datastores={entry.moid: _datastore(inventory, entry, entry.properties) for entry in inventory.all("Datastore")},
        clusters=clusters,
        networks={entry.moid: entry.name for entry in inventory.networks()},
        pools={entry.moid: entry.path for entry in inventory.all("ResourcePool", "VirtualApp")},
        pods={entry.moid: entry.name for entry in inventory.all("StoragePod")},
    )


def read_hosts(
    session: Session, inventory: Inventory, clusters: Sequence[Entry], datastores: Sequence[Entry]
) -> PlacementView:
    """Read what choosing hosts for new VMs needs of these clusters and datastores. One request."""
    hosts = [host for cluster in clusters for host in inventory.hosts(cluster)]
    real = [cluster.ref for cluster in clusters if cluster.type_name == "ClusterComputeResource"]
    objects = [*(entry.ref for entry in (*hosts, *datastores)), *real]
    properties = {**_PROPERTIES, **VIEW_PROPERTIES}
    rows = {row.moid: row for row in session.read(objects, properties)}
    return PlacementView(
        hosts={entry.moid: _host(entry, rows[entry.moid]) for entry in hosts if entry.moid in rows},
        datastores={
            entry.moid: _datastore(inventory, entry, rows[entry.moid]) for entry in datastores if entry.moid in rows
        },
        clusters={entry.moid: _cluster(entry, rows.get(entry.moid)) for entry in clusters},
        networks={entry.moid: entry.name for entry in inventory.networks()},
    )


def _host(entry: Entry, properties: Mapping[str, Any]) -> HostFacts:
    read = properties.get
    return HostFacts(
        moid=entry.moid,
        name=entry.name,
        cluster=entry.parent,
        connection=str(read("runtime.connectionState", "disconnected")),
        maintenance=bool(read("runtime.inMaintenanceMode", False)),
        datastores=moids_of(read("datastore")),
        networks=moids_of(read("network")),
        evc=read("summary.maxEVCModeKey"),
        release=read("summary.config.product.version"),
        memory_mb=int(read("summary.hardware.memorySize", 0)) // _MIB,
        memory_used_mb=int(read("summary.quickStats.overallMemoryUsage", 0)),
        cpu_mhz=int(read("summary.hardware.cpuMhz", 0)) * int(read("summary.hardware.numCpuCores", 0)),
    )


def _datastore(inventory: Inventory, entry: Entry, properties: Mapping[str, Any]) -> DatastoreFacts:
    parent = inventory.entry(entry.parent or "")
    read = properties.get
    return DatastoreFacts(
        moid=entry.moid,
        name=entry.name,
        url=read("summary.url"),
        free_bytes=int(read("summary.freeSpace", 0)),
        accessible=bool(read("summary.accessible", True)),
        maintenance=read("summary.maintenanceMode", "normal") != "normal",
        pod=parent.moid if parent is not None and parent.type_name == "StoragePod" else None,
    )


def _cluster(entry: Entry, row: Row | None) -> ClusterFacts:
    pool = entry.properties.get("resourcePool")
    bare = ClusterFacts(entry.moid, entry.name, entry.path, moid_or_none(pool))
    config = None if row is None else row.get("configurationEx")
    if row is None or config is None:
        return bare
    drs = config.drsConfig
    return ClusterFacts(
        moid=bare.moid,
        name=bare.name,
        path=bare.path,
        root_pool=bare.root_pool,
        drs=bool(drs is not None and drs.enabled),
        automation=str(drs.defaultVmBehavior or "fullyAutomated") if drs is not None else "fullyAutomated",
        overrides=_overrides(config),
        mandatory=_mandatory(config),
        together=_together(config),
        admission=_admission(config.dasConfig),
        evc=getattr(row.get("summary"), "currentEVCModeKey", None),
    )


def _overrides(config: Any) -> dict[str, str]:
    if config.drsConfig is not None and config.drsConfig.enableVmBehaviorOverrides is False:
        return {}
    return {
        moid_of(one.key): "disabled" if one.enabled is False else str(one.behavior)
        for one in config.drsVmConfig or ()
        if one.enabled is False or one.behavior is not None
    }


def _mandatory(config: Any) -> tuple[MandatoryRule, ...]:
    groups = {group.name: group for group in config.group or ()}
    rules = []
    for rule in config.rule or ():
        if not isinstance(rule, vim.cluster.VmHostRuleInfo) or not rule.enabled or not rule.mandatory:
            continue
        affine = bool(rule.affineHostGroupName)
        hosts = groups.get(rule.affineHostGroupName if affine else rule.antiAffineHostGroupName)
        vms = groups.get(rule.vmGroupName)
        rules.append(
            MandatoryRule(
                name=rule.name,
                vms=moids_of(getattr(vms, "vm", None)),
                hosts=moids_of(getattr(hosts, "host", None)),
                affine=affine,
            )
        )
    return tuple(rules)


def _together(config: Any) -> frozenset[str]:
    rules = [rule for rule in config.rule or () if isinstance(rule, vim.cluster.AffinityRuleSpec) and rule.enabled]
    return frozenset().union(*(moids_of(rule.vm) for rule in rules))


def _admission(das: Any) -> FailoverReserve | None:
    if das is None or not das.enabled or not das.admissionControlEnabled:
        return None
    policy = das.admissionControlPolicy
    if isinstance(policy, vim.cluster.FailoverHostAdmissionControlPolicy):
        return FailoverReserve(failover_hosts=moids_of(policy.failoverHosts))
    if isinstance(policy, vim.cluster.FailoverResourcesAdmissionControlPolicy):
        if getattr(policy, "autoComputePercentages", None) and getattr(policy, "failoverLevel", None):
            return FailoverReserve(failures=policy.failoverLevel)
        return FailoverReserve(
            cpu_percent=policy.cpuFailoverResourcesPercent, memory_percent=policy.memoryFailoverResourcesPercent
        )
    return FailoverReserve(failures=getattr(policy, "failoverLevel", None) or das.failoverLevel or 0)


# -- the VMs


class PlacementScene:
    """The facts of VMs, and beside them the devices as vCenter gave them, which a change of them needs."""

    def __init__(self, vms: Sequence[VmFacts], view: PlacementView, devices: Mapping[str, Sequence[Any]]) -> None:
        self.vms = tuple(vms)
        self.view = view
        self.devices = devices


def clusters_of(inventory: Inventory, entries: Sequence[Entry]) -> list[str]:
    """The clusters that these VMs are in, each once."""
    hosts = [inventory.entry(moid_or_none(entry.properties.get("runtime.host")) or "") for entry in entries]
    return list(dict.fromkeys(host.parent for host in hosts if host is not None and host.parent is not None))


def read_scene(
    session: Session, inventory: Inventory, entries: Sequence[Entry], *, clusters: Sequence[str] = ()
) -> PlacementScene:
    """The VMs, in the order of the entries, with their clusters, these clusters, and moves that are under way.

    One request. VMs that are gone meanwhile are left out.
    """
    moids = dict.fromkeys([*clusters, *clusters_of(inventory, entries)])
    places = [entry for moid in moids if (entry := inventory.entry(moid)) is not None]
    real = [entry.ref for entry in places if entry.type_name == "ClusterComputeResource"]
    tasks = [task for entry in entries for task in entry.properties.get("recentTask") or ()]
    objects = [*(entry.ref for entry in entries), *real, *tasks]
    rows = {row.moid: row for row in session.read(objects, _PROPERTIES)} if objects else {}
    view = view_of(inventory, {entry.moid: _cluster(entry, rows.get(entry.moid)) for entry in places})
    in_flight = _moves_in_flight(rows[moid_of(task)] for task in tasks if moid_of(task) in rows)
    known = [(entry, rows[entry.moid]) for entry in entries if entry.moid in rows]
    return PlacementScene(
        _vms(inventory, known, in_flight), view, {e.moid: row.get(_DEVICES) or () for e, row in known}
    )


def read_vms(session: Session, inventory: Inventory, entries: Sequence[Entry]) -> list[VmFacts]:
    """Just the VMs, as they are now."""
    rows = session.read([entry.ref for entry in entries], _VM_PROPERTIES) if entries else []
    known = {entry.moid: entry for entry in entries}
    return _vms(inventory, [(known[row.moid], row) for row in rows], {})


def _moves_in_flight(rows: Iterable[Row]) -> dict[str, MoveInFlight]:
    found = {}
    for row in rows:
        info = row.get("info")
        if info is None or info.state not in ("queued", "running") or info.entity is None:
            continue
        if str(info.descriptionId).startswith(_MOVES):
            found[moid_of(info.entity)] = MoveInFlight(row.moid, info.progress)
    return found


def _vms(
    inventory: Inventory, rows: Iterable[tuple[Entry, Row]], in_flight: Mapping[str, MoveInFlight]
) -> list[VmFacts]:
    stores = {(entry.datacenter, entry.name): entry.moid for entry in inventory.all("Datastore")}
    networks = {(entry.datacenter, entry.name): entry.moid for entry in inventory.networks()}
    return [_vm(inventory, entry, row, stores, networks, in_flight.get(entry.moid)) for entry, row in rows]


def _vm(
    inventory: Inventory,
    entry: Entry,
    row: Row,
    stores: Mapping[tuple[str | None, str], str],
    networks: Mapping[tuple[str | None, str], str],
    in_flight: MoveInFlight | None,
) -> VmFacts:
    devices = row.get(_DEVICES) or ()
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
        disks=tuple(disk for device in devices if (disk := _disk(device)) is not None),
        adapters=tuple(
            _adapter(device, entry.datacenter, networks)
            for device in devices
            if isinstance(device, vim.vm.device.VirtualEthernetCard)
        ),
        devices=tuple(one for device in devices if (one := _concern(device)) is not None),
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
    """The memory that a VM has reserved, with what running it takes."""
    overhead = int(properties.get("runtime.memoryOverhead") or 0) // _MIB
    return int(properties.get("config.memoryAllocation.reservation") or 0) + overhead


def _disk(device: Any) -> DiskFacts | None:
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
    return DiskFacts(device.key, _label(device), moid_of(store), provisioning, mode)


def _adapter(device: Any, datacenter: str | None, networks: Mapping[tuple[str | None, str], str]) -> AdapterFacts:
    backing = device.backing
    port = getattr(backing, "port", None)
    network = moid_or_none(getattr(backing, "network", None))
    if port is not None:
        network = port.portgroupKey
    elif network is None:
        network = networks.get((datacenter, getattr(backing, "deviceName", None) or ""))
    return AdapterFacts(device.key, _label(device), network)


def _concern(device: Any) -> DeviceFacts | None:
    """The device, if it may keep its VM from moving."""
    kinds = vim.vm.device
    if isinstance(device, kinds.VirtualPCIPassthrough | kinds.VirtualSriovEthernetCard | kinds.VirtualSCSIPassthrough):
        return DeviceFacts("passthrough", f"{_label(device)}, a device of the host,")
    connected = bool(getattr(device.connectable, "connected", False))
    if isinstance(device, kinds.VirtualUSB) and connected:
        return DeviceFacts("passthrough", f"{_label(device)}, a USB device,")
    if isinstance(device, kinds.VirtualSerialPort) and connected:
        return _serial(device)
    if isinstance(device, kinds.VirtualCdrom | kinds.VirtualFloppy) and connected:
        return _medium(device)
    return None


def _serial(device: Any) -> DeviceFacts | None:
    backing = device.backing
    kinds = vim.vm.device.VirtualSerialPort
    if isinstance(backing, kinds.FileBackingInfo):
        store = moid_or_none(backing.datastore)
        return (
            None if store is None else DeviceFacts("serial_connected", f"{_label(device)} ({backing.fileName})", store)
        )
    if isinstance(backing, kinds.URIBackingInfo) and backing.proxyURI:
        return None  # through a concentrator (vSPC), which goes along
    return DeviceFacts("serial_connected", f"{_label(device)}, which leads out of the VM,")


def _medium(device: Any) -> DeviceFacts | None:
    backing = device.backing
    name = getattr(backing, "fileName", None)
    if name is None:
        return DeviceFacts("cd_attached", f"{_label(device)}, with a medium of the host or of a client,")
    store = moid_or_none(getattr(backing, "datastore", None))
    # Without a datastore it is one that each host has of its own, as the images of VMware Tools.
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

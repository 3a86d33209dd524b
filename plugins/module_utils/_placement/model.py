# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts about VMs, hosts, datastores and clusters that placement depends on. Pure data; references are MoIDs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Power = Literal["on", "off", "suspended"]


@dataclass(frozen=True)
class DiskFile:
    """A disk file, by its datastore path, and the space in bytes that it takes."""

    path: str
    size: int


@dataclass(frozen=True)
class DiskFacts:
    key: int
    label: str
    datastore: str
    provisioning: str | None = None  # thin, thick, eager_zeroed
    mode: str = "persistent"
    # It has a parent, as the disk of a linked clone, which is the image's in the case of a container.
    linked: bool = False
    capacity: int = 0  # bytes
    # The file that the VM writes to, if vCenter has told its size, and the parents.
    file: DiskFile | None = None
    parents: tuple[DiskFile, ...] = ()
    # It is a First Class Disk.
    volume: bool = False


@dataclass(frozen=True)
class AdapterFacts:
    key: int
    label: str
    network: str | None


@dataclass(frozen=True)
class DeviceFacts:
    """A device that may prevent its VM from moving; ``what`` is its name in messages."""

    code: str  # cd_attached, bootstrap_not_shared, serial_connected, passthrough
    what: str
    # A medium on a datastore is no blocker if the other host sees the datastore too.
    datastore: str | None = None
    # A container boots from it, so it is checked even while the VM is off.
    boots: bool = False


@dataclass(frozen=True)
class MoveInFlight:
    """A running migration of the VM, started by any client."""

    task: str
    progress: int | None = None


@dataclass(frozen=True)
class ContainerRun:
    """One run of a container's process, which must survive a move."""

    container_id: str
    started_at: str | None
    restart_count: int


@dataclass(frozen=True)
class VmFacts:
    moid: str
    name: str
    path: str
    host: str | None
    cluster: str | None
    pool: str | None
    power: Power = "off"
    connection: str = "connected"
    home: str | None = None  # the datastore of its configuration
    disks: tuple[DiskFacts, ...] = ()
    adapters: tuple[AdapterFacts, ...] = ()
    devices: tuple[DeviceFacts, ...] = ()
    snapshots: bool = False
    evc: str | None = None
    hardware: str | None = None  # vmx-17
    memory_mb: int = 0
    reserved_mb: int = 0
    reserved_mhz: int = 0
    instance_uuid: str | None = None
    addresses: tuple[str, ...] = ()
    process: ContainerRun | None = None
    in_flight: MoveInFlight | None = None

    @property
    def is_on(self) -> bool:
        return self.power == "on"

    @property
    def datastores(self) -> tuple[str, ...]:
        """Return all datastores of the VM's files, without duplicates."""
        homes = () if self.home is None else (self.home,)
        return tuple(dict.fromkeys((*homes, *(disk.datastore for disk in self.disks))))


@dataclass(frozen=True)
class VmDemand:
    """The host, reservations and memory of a VM that is powered on."""

    host: str
    reserved_mb: int
    reserved_mhz: int
    memory_mb: int


@dataclass(frozen=True)
class HostFacts:
    moid: str
    name: str
    cluster: str | None
    connection: str = "connected"
    maintenance: bool = False
    datastores: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    evc: str | None = None  # the highest EVC mode it can run
    release: str | None = None  # of ESXi: 8.0.2
    memory_mb: int = 0
    memory_used_mb: int = 0
    cpu_mhz: int = 0

    @property
    def usable(self) -> bool:
        return self.connection == "connected" and not self.maintenance


@dataclass(frozen=True)
class DatastoreFacts:
    moid: str
    name: str
    url: str | None = None
    free_bytes: int = 0
    accessible: bool = True
    maintenance: bool = False
    pod: str | None = None


@dataclass(frozen=True)
class MandatoryRule:
    """A mandatory VM-host rule: these VMs run only on these hosts, or never on them."""

    name: str
    vms: frozenset[str]
    hosts: frozenset[str]
    affine: bool

    def forbids(self, vm: str, host: str) -> bool:
        """Return whether the VM must not run on the host."""
        return vm in self.vms and (host in self.hosts) is not self.affine


@dataclass(frozen=True)
class FailoverReserve:
    """The capacity that HA admission control reserves for host failures."""

    cpu_percent: int | None = None
    memory_percent: int | None = None
    failures: int | None = None
    failover_hosts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ClusterFacts:
    moid: str
    name: str
    path: str
    root_pool: str | None = None
    drs: bool = False
    automation: str = "fullyAutomated"
    # The DRS overrides of VMs: an automation level, or "disabled".
    overrides: Mapping[str, str] = field(default_factory=dict)
    mandatory: tuple[MandatoryRule, ...] = ()
    # The VMs that an affinity rule keeps on one host with others.
    together: frozenset[str] = frozenset()
    admission: FailoverReserve | None = None
    evc: str | None = None

    def automation_of(self, vm: str) -> str:
        """Return the DRS automation level of a VM."""
        return self.overrides.get(vm, self.automation)


@dataclass(frozen=True)
class PlacementView:
    """The facts about one vCenter that placement depends on."""

    hosts: Mapping[str, HostFacts] = field(default_factory=dict)
    datastores: Mapping[str, DatastoreFacts] = field(default_factory=dict)
    clusters: Mapping[str, ClusterFacts] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)  # names
    pools: Mapping[str, str] = field(default_factory=dict)  # paths
    pods: Mapping[str, str] = field(default_factory=dict)  # names of datastore clusters

    def same_datastore(self, moid: str, other: PlacementView) -> str | None:
        """Return the datastore of this vCenter that has the same URL as one of another vCenter."""
        if other is self:
            return moid
        url = other.datastores[moid].url if moid in other.datastores else None
        return next((one.moid for one in self.datastores.values() if url is not None and one.url == url), None)

    def host_name(self, moid: str | None) -> str | None:
        return None if moid is None else self.hosts[moid].name if moid in self.hosts else moid

    def datastore_name(self, moid: str) -> str:
        return self.datastores[moid].name if moid in self.datastores else moid

    def cluster_name(self, moid: str | None) -> str | None:
        return None if moid is None else self.clusters[moid].name if moid in self.clusters else moid

    def cluster_of(self, host: str | None) -> str | None:
        found = None if host is None else self.hosts.get(host)
        return None if found is None else found.cluster

    def hosts_of(self, cluster: str) -> list[HostFacts]:
        return sorted((host for host in self.hosts.values() if host.cluster == cluster), key=lambda host: host.name)

    def is_reserve(self, host: HostFacts) -> bool:
        """Return whether the host is a failover host of HA, on which vCenter neither starts VMs nor moves them."""
        cluster = self.clusters.get(host.cluster or "")
        return cluster is not None and cluster.admission is not None and host.moid in cluster.admission.failover_hosts

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired and observed state: container VMs, image templates and their placement. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AssignedAddress
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_hot_add import HotAdd
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamedContainer, NetworkNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume, NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED, DRIFT_WARN
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import DEFAULTS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FIELD as FILES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import SHA256, WAITING_FOR_FILES
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import RESTART
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey, guest_field_of
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KINDS_OF_CONTAINERS
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import LogPage
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model_capacity import PoolCapacity
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

DEFAULT_STOP_TIMEOUT = 10


@dataclass(frozen=True)
class PlacementOption:
    """Where the container is created; None selects the only choice. ``drift`` says how differences are handled."""

    datacenter: str | None = None
    cluster: str | None = None
    resource_pool: str | None = None
    folder: str | None = None
    datastore: str | None = None
    bootstrap: str | None = None
    drift: str = DRIFT_WARN


@dataclass(frozen=True)
class Replacement:
    """How a container that runs is replaced by a new VM.

    ``starts_first``: the new VM is started, and runs, before the old one is stopped, where nothing prevents it.
    ``keeps``: the old VM is kept, off, until the update is over, and takes its place again if the update fails.
    ``drain``: for how many seconds the old one goes on running after others no longer find it by name.
    """

    starts_first: bool = False
    keeps: bool = False
    drain: float = 0

    @property
    def retires(self) -> bool:
        """Return whether the old VM gives its place away before it is removed."""
        return self.starts_first or self.keeps or self.drain > 0


@dataclass(frozen=True)
class DesiredContainer:
    """The desired state of one container. Without a config only its power state is managed."""

    name: str
    state: str = "started"
    config: Config | None = None
    placement: PlacementOption = PlacementOption()
    # Whether guest operations are permitted; None leaves it as it is.
    guest_operations: bool | None = None
    guest_key: GuestKey | None = None
    notes: str | None = None
    # How options are compared with an existing container, and those that it keeps unless it is replaced.
    comparisons: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    recreate: bool = False
    restart: bool = False
    force_kill: bool = False
    stop_timeout: int | None = None
    wait: bool = True
    wait_timeout: int = 300
    # For the health of the container; None is as long as for its start.
    healthy_wait_timeout: int | None = None
    replacement: Replacement = Replacement()

    @property
    def wants_running(self) -> bool:
        """Return whether the container is started if it does not run."""
        return self.state in ("started", "healthy", "ready", COMPLETED)


# The CD drive is first in the boot order: a BIOS would try the image disk and the network before it.
BOOT_ORDER = ("cdrom",)
# The last states that a guest reports before its VM powers off.
FINAL_STATES = ("exited", "error")
# A machine that a plan creates has no MoID and no id yet.
NEW = "(new)"
# What became of reading the end of a container from its disk.
EXIT_NOT_NEEDED = "not_needed"
EXIT_READ = "read"
EXIT_BUSY = "busy"
EXIT_NO_DISK = "no_disk"
EXIT_OTHER_DISK = "other_disk"
EXIT_NO_RECORD = "no_record"
EXIT_NOT_ENDED = "not_ended"
EXIT_OTHER_DOCUMENT = "other_document"
ON = "poweredOn"
OFF = "poweredOff"
SUSPENDED = "suspended"


@dataclass(frozen=True)
class ContainerAdapter:
    """One network adapter: its device key, the port group's MoID and name (for display), and the MAC address."""

    key: int
    network: str
    mac: str | None
    network_name: str = field(default="", compare=False)
    connected: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Machine:
    """One VM that has a container's name, managed by the collection or not."""

    moid: str
    name: str
    path: str
    kind: str | None
    power: str = OFF
    container_id: str | None = None
    image: str | None = None
    digest: str | None = None
    disk: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    config_hash: str | None = None
    document: Mapping[str, Any] | None = None
    status: Mapping[str, Any] | None = None
    log: str | None = None
    # The lines of the log, if the guest or a task has reported them.
    log_page: LogPage | None = None
    # Whether the guest would find no document, or another one, at its next start.
    document_lost: bool = False
    # The digest of the document, as it is in the record on the scratch disk.
    document_digest: str | None = None
    tools_running: bool = False
    addresses: tuple[Mapping[str, Any], ...] = ()
    memory_mb: int = 0
    cpus: int = 0
    hot_add: HotAdd = field(default_factory=HotAdd)
    allocation: Mapping[str, int | str] = field(default_factory=lambda: dict(DEFAULTS))
    notes: str = ""
    adapters: tuple[ContainerAdapter, ...] = ()
    bootstrap: str | None = None
    # Whether the drive with the bootstrap ISO is connected at power on, and whether the ISO's file was not found.
    bootstrap_connected: bool = True
    bootstrap_missing: bool = False
    boot_order: tuple[str, ...] = BOOT_ORDER
    firmware: str | None = None
    secure_boot: bool = False
    disk_uuid: bool = True
    scratch_bytes: int | None = None
    # The First Class Disks, and the units of SCSI controller 0 that have a device.
    volumes: tuple[AttachedVolume, ...] = ()
    scsi_units: frozenset[int] = frozenset()
    # The snapshots, with the times when they were taken.
    snapshots: tuple[str, ...] = ()
    datacenter: Entry | None = None
    folder: Entry | None = None
    pool: Entry | None = None
    cluster: Entry | None = None
    host: Entry | None = None
    datastore: Entry | None = None
    instance_uuid: str | None = None
    change_version: str | None = None
    # Whether a task has stopped the container in order to change it, and has not started it again yet.
    start_pending: bool = False
    # The names on its networks, and the record of the table of names that was written last.
    names: tuple[NetworkNames, ...] = ()
    names_table: str | None = None
    # One of EXIT_…, if the end was to be read from the disk.
    exit_from_disk: str | None = None
    # What was used, and what has happened, if they were to be read.
    usage: Mapping[str, Any] | None = None
    events: tuple[Mapping[str, Any], ...] = ()

    @property
    def folder_path(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def ours(self) -> bool:
        return self.kind in KINDS_OF_CONTAINERS

    @property
    def running(self) -> bool:
        return self.power == ON

    @property
    def adapters_connected(self) -> bool:
        return all(adapter.connected for adapter in self.adapters)

    @property
    def has_reported(self) -> bool:
        """Return whether the guest has reported since its VM was powered on; before, an earlier status can remain."""
        return self.running and ((self.status or {}).get("state") not in (None, *FINAL_STATES) or self.has_ended)

    @property
    def has_ended(self) -> bool:
        """Return whether the container has ended and its VM stays on for a moment, so that its end can be recorded."""
        return self.running and self.tools_running and (self.status or {}).get("state") in FINAL_STATES

    @property
    def has_completed(self) -> bool:
        """Return whether the last run has ended with exit code 0, and no task owes another one."""
        status = self.status or {}
        is_over = (self.power == OFF or self.has_ended) and status.get("state") == "exited"
        return is_over and status.get("exit_code") == 0 and not self.start_pending

    @property
    def lacks_end(self) -> bool:
        """Return whether the VM is off after a run whose end is not known."""
        state = (self.status or {}).get("state")
        return self.power == OFF and state is not None and state not in FINAL_STATES

    @property
    def is_up(self) -> bool:
        """Return whether the VM is on and its container has not ended."""
        return self.running and not self.has_ended

    @property
    def should_run(self) -> bool:
        """Return whether the container runs, or would if no task had stopped it to change it."""
        return self.is_up or (self.power != SUSPENDED and self.start_pending)

    @property
    def waits_for_files(self) -> bool:
        """Return whether the container starts as soon as its files are delivered."""
        return self.running and (self.status or {}).get("waiting_for") == WAITING_FOR_FILES

    @property
    def follows_restart(self) -> bool:
        """Return whether the container runs, and its guest follows changes of the restart policy."""
        return self.is_up and RESTART in ((self.status or {}).get("follows") or ())

    @property
    def follows_files(self) -> bool:
        """Return whether the container runs with files, and its guest follows changes of their contents."""
        status = self.status or {}
        return self.is_up and status.get(FILES) is not None and FILES in (status.get("follows") or ())

    @property
    def lacks_contents(self) -> bool:
        """Return whether the container runs with other contents of its files than its document announces."""
        announced = (self.document or {}).get(FILES)
        if not self.follows_files or not isinstance(announced, dict):
            return False
        return bool((self.status or {})[FILES][SHA256] != announced.get(SHA256))

    @property
    def contents_failed(self) -> bool:
        """Return whether the guest could not give the container the contents while it runs."""
        return self.lacks_contents and (self.status or {})[FILES]["error"] is not None

    @property
    def guest_operations(self) -> dict[str, str] | None:
        """Return what permits guest operations, from the guest document; None if they are not permitted."""
        return guest_field_of(self.document)

    @property
    def health(self) -> str | None:
        """Return the health that the guest reports; None if the machine is off."""
        return (self.status or {}).get("health") if self.running else None


@dataclass(frozen=True)
class ContainerSelection:
    """The selection of containers to return, and what is read of them."""

    names: tuple[str, ...] | None
    labels: Mapping[str, str]
    datacenter: str | None
    folder: str | None
    # A label that they must have, whatever its value is.
    label: str | None = None
    logs: bool = False
    exit_from_disk: bool = False
    # Of the last minutes, and how many for each container; 0 stands for none.
    usage_minutes: int = 0
    events: int = 0
    devices: bool = True


def guest_state(machine: Machine) -> str:
    """Return the container's state, from its VM's power and its guest's last report."""
    reported = (machine.status or {}).get("state")
    if machine.running:
        return str(reported) if machine.has_reported else "booting"
    if machine.power == SUSPENDED:
        return SUSPENDED
    if reported is None:
        return "created"
    # The VM was powered off while its container ran, or vSphere has dropped the guest's last status.
    return str(reported) if reported in FINAL_STATES else "exited"


@dataclass(frozen=True)
class Image:
    """One template that holds an image."""

    moid: str
    name: str
    digest: str
    disk: str
    references: tuple[str, ...]
    config: Mapping[str, Any]
    datastore: Entry
    snapshot: str
    datacenter: Entry | None = None
    hardware: str | None = None  # vmx-17
    firmware: str | None = None
    registered: RegisteredTemplate | None = None
    # Whether vCenter clones it where it is registered; if not, its move to another host.
    usable: bool = True
    rehoming: Rehoming | None = None


@dataclass(frozen=True)
class ContainerPlace:
    """The requested placement as inventory objects; None leaves it unchanged."""

    datacenter: Entry
    networks: tuple[Entry, ...] = ()
    volumes: tuple[NamedVolume, ...] = ()
    folder: Entry | None = None
    pool: Entry | None = None
    cluster: Entry | None = None
    datastore: Entry | None = None
    bootstrap: str | None = None
    # The host to create the VM on; None if vCenter chooses it.
    host: Entry | None = None
    # The addresses on the networks that have pools, in the order of the networks, IPv4 first.
    addresses: tuple[AssignedAddress, ...] = ()

    @property
    def claims(self) -> tuple[AssignedAddress, ...]:
        """Return the addresses that the container does not hold yet."""
        return tuple(one for one in self.addresses if one.claimed)


@dataclass(frozen=True)
class ObservedContainer:
    """The observed state of one container."""

    machine: Machine | None = None
    successors: tuple[Machine, ...] = ()
    image: Image | None = None
    place: ContainerPlace | None = None
    # The MoIDs of the datastores that hold a template of the image.
    image_datastores: frozenset[str] = frozenset()
    # The newest bootstrap ISO, if the VM's own is missing.
    spare_bootstrap: str | None = None
    # The other containers with names in the folders of the task, if it applies to any container with names.
    named: tuple[NamedContainer, ...] = ()
    # The volumes that the VM has lost, of a container whose task gives no configuration.
    lost_volumes: tuple[NamedVolume, ...] = ()
    # The resource pools that its VMs are in and are to be in, with those above them, as far as they can be read.
    pools: tuple[PoolCapacity, ...] = ()
    # The VMs that the machine has replaced, in an update that is not over.
    predecessors: tuple[Machine, ...] = ()

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Return all VMs of the container."""
        own = () if self.machine is None else (self.machine,)
        return (*own, *self.successors, *self.predecessors)

    @property
    def current(self) -> Machine | None:
        """Return the VM that the container has, or is going to have."""
        return self.machine or next(iter(self.successors), None)

    def with_changed(self, before: Machine, after: Machine | None) -> ObservedContainer:
        """Return the container with another state of one of its VMs, or without it."""

        def changed(machines: tuple[Machine, ...]) -> tuple[Machine, ...]:
            there = (after if one == before else one for one in machines)
            return tuple(one for one in there if one is not None)

        return replace(
            self,
            machine=after if self.machine == before else self.machine,
            successors=changed(self.successors),
            predecessors=changed(self.predecessors),
        )

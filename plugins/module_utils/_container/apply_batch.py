# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers whose changes are being made, and the reads that several kinds of changes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_names import NAMED_PATHS, decode_named
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    NEW,
    ContainerAdapter,
    Image,
    Machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import network_backings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import MANAGER_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_DEVICES = "config.hardware.device"


class Workbench:
    """The session, and reads that are made once for all containers that need them at the same time."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._inventory: Inventory | None = None
        self._guest_managers: Mapping[str, Any] | None = None
        # The templates that were registered again, with their snapshots, by the former MoIDs of the templates.
        self.renewed: dict[str, tuple[str, str]] = {}
        # The containers with names that this run has started: the names and the folders of their VMs, by MoIDs.
        self.started: dict[str, tuple[str, str]] = {}
        # The addresses of each pool that this run gives to its containers.
        self.promised: dict[AddressPool, set[str]] = {}

    @property
    def inventory(self) -> Inventory:
        """Return the inventory that the plan was based on, without the effects of the changes."""
        if self._inventory is None:
            self._inventory = self.session.inventory()
        return self._inventory

    def promise(self, pool: AddressPool, address: str, *, instead_of: str | None = None) -> None:
        """Note that a container of this run gets an address of the pool."""
        promised = self.promised.setdefault(pool, set())
        if instead_of is not None:
            promised.discard(instead_of)
        promised.add(address)

    def vm(self, moid: str) -> Any:
        return self.session.ref("VirtualMachine", moid)

    def template(self, image: Image) -> tuple[str, str]:
        """Return the current MoIDs of an image's template and its snapshot."""
        return self.renewed.get(image.moid, (image.moid, image.snapshot))

    def devices(self, moid: str) -> Flow[list[Any]]:
        """Return the devices of a VM."""
        found: dict[str, list[Any]] = yield Gather("devices", moid, self._read_devices)
        return found.get(moid, [])

    def value(self, moid: str, key: str) -> Flow[str | None]:
        """Return the value of one key of a VM's extraConfig, or None."""
        found = yield from self.values(moid, (key,))
        return found.get(key)

    def values(self, moid: str, wanted: Iterable[str]) -> Flow[dict[str, str]]:
        """Return those of the keys of a VM's extraConfig that are set."""
        row = yield from self.properties(moid, [keys.option_path(key) for key in wanted])
        return keys.options(row, wanted)

    def properties(self, moid: str, paths: Sequence[str]) -> Flow[Mapping[str, Any]]:
        """Return properties of a VM."""
        found: dict[str, Mapping[str, Any]] = yield Gather(
            ("properties", tuple(paths)), moid, lambda moids: self._read_properties(moids, paths)
        )
        return found.get(moid, {})

    def guest_managers(self) -> Flow[Mapping[str, Any]]:
        """Return the managers of guest operations, by the names of MANAGER_PROPERTIES."""
        if self._guest_managers is None:
            self._guest_managers = yield Gather("guest managers", None, lambda _items: self._read_guest_managers())
        return self._guest_managers

    def started_names(self) -> Flow[list[NamedContainer]]:
        """Return the containers with names that this run has started, with the addresses that they have now."""
        found: list[NamedContainer] = yield Gather("names", None, lambda _items: self._read_started())
        return found

    def backings(self, adapters: Iterable[ContainerAdapter]) -> dict[str, Any]:
        """Return the backings of adapters, by the MoIDs of their networks."""
        return network_backings(self.inventory, (adapter.network for adapter in adapters))

    def _read_devices(self, moids: list[str]) -> Job:
        def read() -> dict[str, list[Any]]:
            refs = [self.vm(moid) for moid in sorted(set(moids))]
            return {row.moid: list(row.get(_DEVICES) or ()) for row in self.session.read(refs, [_DEVICES])}

        return read_job("devices", read)

    def _read_started(self) -> Job:
        started = dict(self.started)

        def read() -> list[NamedContainer]:
            rows = self.session.read([self.vm(moid) for moid in started], NAMED_PATHS)
            decoded = (decode_named(*started[row.moid], row.moid, row, None) for row in rows)
            return [one for one in decoded if one is not None]

        return read_job("names", read)

    def _read_guest_managers(self) -> Job:
        def read() -> Mapping[str, Any]:
            (row,) = self.session.read([self.session.content.guestOperationsManager], MANAGER_PROPERTIES)
            return row

        return read_job("guest operations", read)

    def _read_properties(self, moids: list[str], paths: Sequence[str]) -> Job:
        def read() -> dict[str, Mapping[str, Any]]:
            return {row.moid: row for row in self.session.read([self.vm(moid) for moid in moids], paths)}

        return read_job(", ".join(paths), read)


@dataclass
class ContainerWork(Subject):
    """The changes of one container. ``creation``: the id of the work that creates its VM, if that is another one."""

    creation: str | None = None


@dataclass
class CreatedVm:
    """The VM that the changes of a container have created. ``container_id`` is what it calls itself."""

    moid: str | None = None
    container_id: str | None = None


@dataclass
class ContainerSubject(Subject):
    """One container. ``created`` is shared by the subjects of one container."""

    bench: Workbench = field(kw_only=True)
    created: CreatedVm = field(default_factory=CreatedVm)

    def moid(self, machine: Machine) -> str:
        """Return the MoID of a planned machine; a machine that the plan creates has one only afterwards."""
        if machine.moid != NEW:
            return machine.moid
        if self.created.moid is None:
            raise ValueError(f"{machine.name} is changed before it is created")
        return self.created.moid

    def vm(self, machine: Machine) -> Any:
        return self.bench.vm(self.moid(machine))

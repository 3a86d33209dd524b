# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that a plan for container VMs is made of; each can show itself and be applied to the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AssignedAddress
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_view import (
    differing_views,
    machine_view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    SUSPENDED,
    ContainerPlace,
    Image,
    Machine,
    ObservedContainer,
    guest_state,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamesTable
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import LIVE, OFFLINE, differing
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FilesToDeliver
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RehomingChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry


@dataclass(frozen=True)
class ContainerChange(ABC):
    """A change to one container, by its name."""

    container: str

    @abstractmethod
    def describe(self) -> str:
        """Return the change as an action, such as ``create the VM web``."""

    @abstractmethod
    def before(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is now."""

    @abstractmethod
    def after(self) -> Mapping[str, Any]:
        """Return what the change touches, as it is going to be."""

    @abstractmethod
    def project(self, observed: ObservedContainer) -> ObservedContainer:
        """Return the model after this change."""


@dataclass(frozen=True)
class Clone(ContainerChange):
    """Create the VM, powered off, as a linked clone of the image's template."""

    target: Machine
    image: Image
    place: ContainerPlace
    reason: str = ""
    # Whether the plan starts it.
    starts: bool = False
    # The key of guest operations, if they are permitted: the secret depends on the id that the clone gets.
    guest_key: GuestKey | None = None

    @property
    def claims(self) -> tuple[AssignedAddress, ...]:
        return self.place.claims

    @property
    def is_successor(self) -> bool:
        return self.target.kind != KIND_CONTAINER

    def describe(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        what = "create the successor of" if self.is_successor else "create"
        return f"{what} {self.container} from {self.target.image}{why}"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return nested(self.target.name, value={**machine_view(self.target), "power": OFF})

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        if self.is_successor:
            return replace(observed, successors=(self.target, *observed.successors))
        return replace(observed, machine=self.target)


@dataclass(frozen=True)
class RehomeTemplate(RehomingChange, ContainerChange):
    """Register the template of an image on another host. ``container`` is the template's name."""

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed  # no container is affected


@dataclass(frozen=True)
class Reconfigure(ContainerChange):
    """Change what can be changed in place."""

    machine: Machine
    target: Machine
    # The addresses that the container gets by it.
    claims: tuple[AssignedAddress, ...] = ()

    @property
    def aspects(self) -> list[str]:
        return differing(self.machine, self.target, OFFLINE + LIVE)

    @property
    def options(self) -> list[str]:
        """Return the options and settings whose values change."""
        return sorted(self._views()[1].keys() | self._views()[0].keys())

    def describe(self) -> str:
        # The record of the configuration follows whatever was changed: only alone is it worth a word.
        return f"reconfigure {self.machine.name}: {', '.join(self.options)}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value=self._views()[0])

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value=self._views()[1])

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed.with_changed(self.machine, self.target)

    def _views(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return differing_views(self.machine, self.target)


@dataclass(frozen=True)
class MoveFolder(ContainerChange):
    """Put the VM into another folder; it goes on running."""

    machine: Machine
    folder: Entry

    def describe(self) -> str:
        return f"move {self.machine.name} to folder {self.folder.path}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "folder", value=self.machine.folder_path)

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "folder", value=self.folder.path)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return with_machine(observed, folder=self.folder, path=f"{self.folder.path}/{self.machine.name}")


@dataclass(frozen=True)
class MovePool(ContainerChange):
    """Put the VM into another resource pool of its cluster; it goes on running."""

    machine: Machine
    pool: Entry

    def describe(self) -> str:
        return f"move {self.machine.name} to resource pool {self.pool.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "resource_pool", value=_name(self.machine.pool))

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "resource_pool", value=self.pool.name)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return with_machine(observed, pool=self.pool)


@dataclass(frozen=True)
class Relocate(ContainerChange):
    """Move the VM with its disks to another datastore by Storage vMotion; it goes on running."""

    machine: Machine
    datastore: Entry
    # Whether the datastore holds a template of the image, whose disk the moved one can be a linked clone of.
    shares_image: bool

    def describe(self) -> str:
        how = "sharing the image's disk there" if self.shares_image else "with a copy of the image's disk"
        return f"relocate {self.machine.name} to datastore {self.datastore.name}, {how}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "datastore", value=_name(self.machine.datastore))

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "datastore", value=self.datastore.name)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return with_machine(observed, datastore=self.datastore)


@dataclass(frozen=True)
class Stop(ContainerChange):
    """Stop the container and power its VM off: its stop signal, its timeout, then off; or off at once."""

    machine: Machine
    timeout: int
    force: bool
    # Whether the end of the container is recorded.
    records: bool = True
    # Whether the plan starts it again only because it ran: if the run is interrupted, the next one must know that.
    starts_again: bool = False
    # The options because of which it is stopped, if that is only to change it.
    causes: tuple[str, ...] = ()

    @property
    def pending_after(self) -> bool:
        """Return whether the next run starts the container; a suspended one did not run, whatever was marked before."""
        return self.starts_again or (self.machine.start_pending and self.machine.power != SUSPENDED)

    def describe(self) -> str:
        return f"{'kill' if self.force else 'stop'} {self.machine.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "power", value=self.machine.power)

    def after(self) -> Mapping[str, Any]:
        return nested(self.machine.name, "power", value=OFF)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        pending = self.pending_after if observed.machine == self.machine else self.machine.start_pending
        return observed.with_changed(self.machine, replace(self.machine, power=OFF, start_pending=pending))


@dataclass(frozen=True)
class Destroy(ContainerChange):
    """Delete the VM and its own disks. Its ``successor`` takes its place in the DRS rules before."""

    machine: Machine
    successor: Machine | None = None

    def describe(self) -> str:
        return f"remove {self.machine.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value={**machine_view(self.machine), "power": self.machine.power})

    def after(self) -> Mapping[str, Any]:
        return {}

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed.with_changed(self.machine, None)


@dataclass(frozen=True)
class Promote(ContainerChange):
    """Put the successor in its predecessor's place: its name and its kind, in one call."""

    machine: Machine
    # The options because of which it replaces the predecessor; None if an earlier run has removed that.
    causes: tuple[str, ...] | None = None

    def describe(self) -> str:
        return f"rename {self.machine.name} to {self.container}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value={**machine_view(self.machine), "power": self.machine.power})

    def after(self) -> Mapping[str, Any]:
        return nested(self.container, value={**machine_view(self.machine), "power": self.machine.power})

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        path = f"{self.machine.folder_path}/{self.container}"
        promoted = replace(self.machine, name=self.container, path=path, kind=KIND_CONTAINER)
        rest = tuple(one for one in observed.successors if one != self.machine)
        return replace(observed, machine=promoted, successors=rest)


@dataclass(frozen=True)
class PowerOn(ContainerChange):
    """Start the VM, and wait for the container where that was asked for."""

    machine: Machine
    wait_for: str | None
    wait_timeout: int
    files: FilesToDeliver | None = None
    healthy_wait_timeout: int | None = None
    # What it finds by name from its start on, if it has names.
    names: NamesTable | None = None

    def describe(self) -> str:
        return f"run {self.container} to its end" if self.runs_to_end else f"start {self.container}"

    def before(self) -> Mapping[str, Any]:
        if self.runs_to_end:
            return nested(self.container, COMPLETED, value=False)
        return nested(self.container, "power", value=self.machine.power)

    def after(self) -> Mapping[str, Any]:
        if self.runs_to_end:
            return nested(self.container, COMPLETED, value=True)
        return nested(self.container, "power", value=ON)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        if self.runs_to_end:
            return _completed(observed)
        health = "healthy" if self.wait_for == "healthy" else "starting" if self._has_healthcheck else "none"
        status = {"state": "running", "health": health, "restart_count": 0}
        return observed.with_changed(self.machine, replace(self.machine, power=ON, start_pending=False, status=status))

    @property
    def runs_to_end(self) -> bool:
        return self.wait_for == COMPLETED

    @property
    def _has_healthcheck(self) -> bool:
        return bool((self.machine.document or {}).get("healthcheck"))


@dataclass(frozen=True)
class AwaitStatus(ContainerChange):
    """Wait until a container whose VM is on is running or healthy: it is not yet what was asked for."""

    machine: Machine
    wait_for: str
    wait_timeout: int
    files: FilesToDeliver | None = None
    healthy_wait_timeout: int | None = None

    def describe(self) -> str:
        return f"wait until {self.container} is {self.wait_for}"

    def before(self) -> Mapping[str, Any]:
        if self.wait_for == COMPLETED:
            return nested(self.container, COMPLETED, value=False)
        if self.wait_for == "healthy":
            return nested(self.container, "health", value=self.machine.health)
        return nested(self.container, "status", value=guest_state(self.machine))

    def after(self) -> Mapping[str, Any]:
        if self.wait_for == COMPLETED:
            return nested(self.container, COMPLETED, value=True)
        return nested(self.container, "health" if self.wait_for == "healthy" else "status", value=self.wait_for)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        if self.wait_for == COMPLETED:
            return _completed(observed)
        status = {**(self.machine.status or {}), "state": "running"}
        if self.wait_for == "healthy":
            status["health"] = "healthy"
        return with_machine(observed, status=status)


def _completed(observed: ObservedContainer) -> ObservedContainer:
    """Return the container after a run to its end, when its VM is off again."""
    status = {"state": "exited", "exit_code": 0, "health": "none", "restart_count": 0}
    return with_machine(observed, power=OFF, start_pending=False, status=status)


def _name(node: Entry | None) -> str | None:
    return None if node is None else node.name


def with_machine(observed: ObservedContainer, **values: Any) -> ObservedContainer:
    """Return the model with other values of its machine."""
    if observed.machine is None:
        raise ValueError("the plan changes a machine that is not there")
    return replace(observed, machine=replace(observed.machine, **values))

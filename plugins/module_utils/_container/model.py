# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state that was found: container VMs, image templates and the places they may be in. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.lookup import Entry

CONTAINER = "container"
SUCCESSOR = "successor"
IMAGE = "image"

ON = "poweredOn"
OFF = "poweredOff"
SUSPENDED = "suspended"


@dataclass(frozen=True)
class Adapter:
    """One network adapter: its device key, the port group's MoID, the MAC address; the port group's name to show."""

    key: int
    network: str
    mac: str | None
    network_name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Machine:
    """One VM that has a container's name, ours or not."""

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
    spec: Mapping[str, Any] | None = None
    status: Mapping[str, Any] | None = None
    log: str | None = None
    tools_running: bool = False
    addresses: tuple[Mapping[str, Any], ...] = ()
    memory_mb: int = 0
    cpus: int = 0
    notes: str = ""
    adapters: tuple[Adapter, ...] = ()
    bootstrap: str | None = None
    scratch_bytes: int | None = None
    datacenter: Entry | None = None
    folder: Entry | None = None
    pool: Entry | None = None
    cluster: Entry | None = None
    host: Entry | None = None
    datastore: Entry | None = None
    instance_uuid: str | None = None
    change_version: str | None = None

    @property
    def folder_path(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def ours(self) -> bool:
        return self.kind in (CONTAINER, SUCCESSOR)

    @property
    def running(self) -> bool:
        return self.power == ON

    @property
    def health(self) -> str | None:
        """The guest's word on its health; of a machine that is off there is none."""
        return (self.status or {}).get("health") if self.running else None


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


@dataclass(frozen=True)
class Place:
    """Where the container is to be, as objects; None is where it is."""

    datacenter: Entry
    networks: tuple[Entry, ...] = ()
    folder: Entry | None = None
    pool: Entry | None = None
    cluster: Entry | None = None
    datastore: Entry | None = None
    bootstrap: str | None = None


@dataclass(frozen=True)
class ObservedContainer:
    """What there is of one container."""

    machine: Machine | None = None
    successors: tuple[Machine, ...] = ()
    image: Image | None = None
    place: Place | None = None

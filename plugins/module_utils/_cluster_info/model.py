# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters with their hosts and their load, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import Settings
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceProgress
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import ClusterFacts, HostFacts, VmDemand


@dataclass(frozen=True)
class ClusterQuery:
    """The clusters that a task asks for, and the hosts whose capacity does not count."""

    cluster: str | None
    datacenter: str | None
    without: tuple[str, ...]


@dataclass(frozen=True)
class VmCount:
    """The number of VMs by their power state, and of agent VMs. A suspended VM counts as off."""

    on: int = 0
    off: int = 0
    templates: int = 0
    agents: int = 0


@dataclass(frozen=True)
class HostState:
    """The state and load of a host. ``without``: the task asks for the capacity without it."""

    facts: HostFacts
    path: str
    quarantine: bool = False
    build: str | None = None
    cpu_cores: int = 0
    cpu_used_mhz: int = 0
    vms: VmCount = VmCount()
    progress: MaintenanceProgress | None = None
    without: bool = False

    @property
    def counts(self) -> bool:
        """Return whether its capacity counts."""
        return self.facts.usable and not self.quarantine and not self.without


@dataclass(frozen=True)
class ClusterState:
    """A cluster with its hosts, and the demands of the VMs that are powered on."""

    facts: ClusterFacts
    datacenter: str
    settings: Settings
    hosts: tuple[HostState, ...]
    demands: tuple[VmDemand, ...]
    datastores: tuple[str, ...]
    networks: tuple[str, ...]

    @property
    def host_names(self) -> Mapping[str, str]:
        return {host.facts.moid: host.facts.name for host in self.hosts}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the capacity of a cluster, and what remains if one more host fails. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterState, HostState


@dataclass(frozen=True)
class ClusterCapacity:
    """The capacity of some hosts, and what the VMs of the whole cluster have reserved of it."""

    hosts: tuple[str, ...]
    memory_mb: int
    cpu_mhz: int
    memory_reserved_mb: int
    cpu_reserved_mhz: int

    @property
    def sufficient(self) -> bool:
        """Return whether there is a host, and the reservations of the running VMs fit."""
        return bool(self.hosts) and self.memory_reserved_mb <= self.memory_mb and self.cpu_reserved_mhz <= self.cpu_mhz


def capacity(cluster: ClusterState) -> ClusterCapacity:
    """Return the capacity of the hosts that count, without those that HA keeps free."""
    return _capacity(cluster, [host for host in _counted(cluster) if host.facts.moid not in _reserve(cluster)])


def capacity_after_failure(cluster: ClusterState) -> tuple[str | None, ClusterCapacity]:
    """Return the largest host, and the capacity of all others, those that HA keeps free among them.

    The host with the most memory need not be the one with the most CPU: the worse case counts for each.
    """
    hosts = _counted(cluster)
    if not hosts:
        return None, _capacity(cluster, [])
    largest = max(hosts, key=lambda host: (host.facts.memory_mb, host.facts.cpu_mhz))
    rest = _capacity(cluster, [host for host in hosts if host is not largest])
    cpu = sum(sorted(host.facts.cpu_mhz for host in hosts)[:-1])
    return largest.facts.name, ClusterCapacity(
        rest.hosts, rest.memory_mb, cpu, rest.memory_reserved_mb, rest.cpu_reserved_mhz
    )


def shortage(cluster: ClusterState, some: ClusterCapacity, failed: str | None = None) -> str | None:
    """Return why the capacity is not sufficient, after the failure of a host if one is given; None if it is."""
    if some.sufficient:
        return None
    without = [host.facts.name for host in cluster.hosts if host.without]
    cases = [f"without {listed(without)}"] if without else []
    cases += [f"after a failure of {failed}"] if failed else []
    who = f"{' and '.join(cases)}, cluster {cluster.facts.name}" if cases else f"cluster {cluster.facts.name}"
    if not some.hosts:
        found = "has no usable host left"
    else:
        found = (
            f"has {some.memory_mb} MiB of memory and {some.cpu_mhz} MHz of CPU left on {listed(some.hosts)}, and its "
            f"running VMs have {some.memory_reserved_mb} MiB and {some.cpu_reserved_mhz} MHz reserved"
        )
    return f"{who[0].upper()}{who[1:]} {found}."


def _counted(cluster: ClusterState) -> list[HostState]:
    return [host for host in cluster.hosts if host.counts]


def _reserve(cluster: ClusterState) -> frozenset[str]:
    admission = cluster.facts.admission
    return frozenset() if admission is None else admission.failover_hosts


def _capacity(cluster: ClusterState, hosts: Sequence[HostState]) -> ClusterCapacity:
    return ClusterCapacity(
        hosts=tuple(host.facts.name for host in hosts),
        memory_mb=sum(host.facts.memory_mb for host in hosts),
        cpu_mhz=sum(host.facts.cpu_mhz for host in hosts),
        memory_reserved_mb=sum(demand.reserved_mb for demand in cluster.demands),
        cpu_reserved_mhz=sum(demand.reserved_mhz for demand in cluster.demands),
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check whether the rest of a cluster has capacity for the reservations, besides what HA keeps free. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    FailoverReserve,
    HostFacts,
    PlacementView,
    VmDemand,
)


def remaining(view: PlacementView, cluster: str, host: str) -> list[HostFacts]:
    """Return the other usable hosts of the cluster."""
    return [one for one in view.hosts_of(cluster) if one.usable and one.moid != host]


def capacity_blockers(
    view: PlacementView, cluster: ClusterFacts, host: HostFacts, demands: Sequence[VmDemand]
) -> Iterator[Blocker]:
    others = remaining(view, cluster.moid, host.moid)
    if not others:
        yield Blocker(
            None,
            "not_enough_hosts",
            f"cluster {cluster.name} has no other host that is connected and not in maintenance mode.",
            "Add a host, or let one leave maintenance mode.",
            host.name,
        )
        return
    if cluster.admission is not None and _too_few(cluster.admission, others):
        yield Blocker(
            None,
            "capacity",
            f"HA of cluster {cluster.name} must tolerate the failure of {cluster.admission.failures} hosts, and "
            f"without {host.name} it has {len(others)}.",
            "Lower HA's host failures, turn its admission control off temporarily, or let a host leave maintenance "
            "mode.",
            host.name,
        )
        return
    usable = _usable(cluster.admission, others)
    for what, unit, have, need in (
        ("memory", "MiB", usable[0], sum(one.reserved_mb for one in demands)),
        ("CPU", "MHz", usable[1], sum(one.reserved_mhz for one in demands)),
    ):
        if need > have:
            reserve = "" if cluster.admission is None else " besides what HA's admission control keeps free"
            yield Blocker(
                None,
                "capacity",
                f"without {host.name}, cluster {cluster.name} has {have} {unit} of {what}{reserve}, and its running "
                f"VMs have {need} {unit} reserved.",
                "Stop VMs or lower their reservations, or let another host leave maintenance mode.",
                host.name,
            )


def overcommitted(
    view: PlacementView, cluster: ClusterFacts, host: HostFacts, demands: Sequence[VmDemand]
) -> str | None:
    """Return a warning if the VMs are configured with more memory than the remaining hosts have."""
    have = sum(one.memory_mb for one in remaining(view, cluster.moid, host.moid))
    need = sum(one.memory_mb for one in demands)
    if not 0 < have < need:
        return None
    return (
        f"without {host.name}, cluster {cluster.name} has {have} MiB of memory, and its running VMs are configured "
        f"with {need} MiB: they may have to swap."
    )


def _too_few(admission: FailoverReserve, hosts: Sequence[HostFacts]) -> bool:
    return admission.failures is not None and admission.failures >= len(hosts)


def _usable(admission: FailoverReserve | None, hosts: Sequence[HostFacts]) -> tuple[int, int]:
    """Return the memory and CPU for VMs, without what HA keeps free."""
    if admission is None:
        return sum(one.memory_mb for one in hosts), sum(one.cpu_mhz for one in hosts)
    free = [one for one in hosts if one.moid not in admission.failover_hosts]
    lost = admission.failures or 0
    memory = sum(sorted(one.memory_mb for one in free)[: len(free) - lost])
    cpu = sum(sorted(one.cpu_mhz for one in free)[: len(free) - lost])
    return (
        memory * (100 - (admission.memory_percent or 0)) // 100,
        cpu * (100 - (admission.cpu_percent or 0)) // 100,
    )

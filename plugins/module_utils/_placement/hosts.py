# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the host for a VM that is moved, created or imported. Pure.

All of these check for each host of a cluster what prevents the VM from running there (blockers.py).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, blockers_of
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    AdapterFacts,
    DiskFacts,
    HostFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget


@dataclass(frozen=True)
class HostFit:
    """The hosts of a cluster that can take a VM, and the blockers of the others by the host's MoID."""

    fitting: tuple[HostFacts, ...]
    blocked: Mapping[str, tuple[Blocker, ...]]


def fit_hosts(
    vm: VmFacts,
    target: MoveTarget,
    mode: str,
    view: PlacementView,
    origin: PlacementView | None = None,
    *,
    avoid: Iterable[str] = (),
) -> HostFit:
    """Check each host of the cluster in which the target needs one, in the order of their names."""
    left_out = frozenset(avoid)
    fitting: list[HostFacts] = []
    blocked: dict[str, tuple[Blocker, ...]] = {}
    for host in view.hosts_of(target.choose_in or ""):
        if host.moid in left_out:
            continue
        placed = replace(target, host=host.moid, choose_in=None)
        blockers = blockers_of(vm, placed, mode, view, origin)
        if blockers:
            blocked[host.moid] = tuple(blockers)
        elif host.usable:
            fitting.append(host)
    return HostFit(tuple(fitting), blocked)


class HostChooser:
    """Choose hosts for many moves, spread by free memory. Without ``looks``, blockers are ignored."""

    def __init__(
        self,
        mode: str,
        view: PlacementView,
        origin: PlacementView | None = None,
        *,
        avoid: Iterable[str] = (),
        looks: bool = True,
    ) -> None:
        self._mode = mode
        self._view = view
        self._origin = origin
        self._avoid = frozenset(avoid)
        self._looks = looks
        self._given: Counter[str] = Counter()

    def possible(self, vm: VmFacts, target: MoveTarget) -> tuple[list[HostFacts], list[Blocker]]:
        """Return the hosts without blockers; if there are none, the blockers of the host that has the fewest."""
        cluster = target.choose_in or ""
        usable = [host for host in self._view.hosts_of(cluster) if host.usable and host.moid not in self._avoid]
        if not self._looks and usable:
            return usable, []
        fit = fit_hosts(vm, target, self._mode, self._view, self._origin, avoid=self._avoid)
        if fit.fitting:
            return list(fit.fitting), []
        if not usable:
            return [], [self._no_host(vm, cluster)]
        best = min(usable, key=lambda host: len(fit.blocked[host.moid]))
        return [], list(fit.blocked[best.moid])

    def choose(self, vm: VmFacts, target: MoveTarget) -> tuple[MoveTarget, list[Blocker]]:
        """Return the target with the possible host that has the most free memory, or the blockers."""
        hosts, blockers = self.possible(vm, target)
        if not hosts:
            return target, blockers
        best = max(hosts, key=lambda host: (self._room(host), host.name))
        self.take(best.moid, vm)
        return replace(target, host=best.moid, choose_in=None, chosen_by="space"), []

    def least_given(self, hosts: Sequence[HostFacts]) -> list[HostFacts]:
        """Return the hosts with the least memory assigned so far, which DRS does not know when called for each VM."""
        least = min(self._given[host.moid] for host in hosts)
        return [host for host in hosts if self._given[host.moid] == least]

    def take(self, host: str, vm: VmFacts) -> None:
        """Count the VM's memory as assigned to the host."""
        self._given[host] += vm.memory_mb

    def _room(self, host: HostFacts) -> int:
        return host.memory_mb - host.memory_used_mb - self._given[host.moid]

    def _no_host(self, vm: VmFacts, cluster: str) -> Blocker:
        name = self._view.cluster_name(cluster)
        return Blocker(
            vm.path,
            "not_enough_hosts",
            f"cluster {name} has no other host that is connected and not in maintenance mode.",
            "Add a host, or let one leave maintenance mode.",
        )


def new_vm(
    name: str,
    cluster: str,
    *,
    datastores: Mapping[str, str],
    networks: Sequence[str] = (),
    memory_mb: int = 0,
    hardware: str | None = None,
) -> VmFacts:
    """Describe a VM that does not exist yet. ``datastores`` are those of its files, by the role of the file."""
    return VmFacts(
        moid="",
        name=name,
        path=name,
        host=None,
        cluster=cluster,
        pool=None,
        power="on",  # it is created in order to be started on this host
        disks=tuple(DiskFacts(key, label, moid) for key, (label, moid) in enumerate(datastores.items())),
        adapters=tuple(AdapterFacts(key, f"network adapter {key + 1}", moid) for key, moid in enumerate(networks)),
        memory_mb=memory_mb,
        hardware=hardware,
    )


def host_for_new(vm: VmFacts, view: PlacementView, purpose: str) -> HostFacts | None:
    """Return the host to create the VM on, the same for the same name; None if DRS may choose any host.

    ``purpose`` completes the sentence "No host of cluster C0 can ..." of the error that is raised if no host fits.

    Without DRS a host is required. With DRS, vCenter creates a clone on "a random compatible host"
    (VirtualMachineRelocateSpec.host) and DRS chooses again at power on, but it is not documented whether the first
    choice considers the changes of the clone spec: its networks and its CD. So if any host does not fit, one that
    does is selected.
    """
    cluster = view.clusters[vm.cluster or ""]
    fit = fit_hosts(vm, MoveTarget(choose_in=cluster.moid), "any", view)
    if not fit.fitting:
        raise _no_host_fits(cluster.name, fit, purpose)
    if cluster.drs and not any(view.hosts[moid].usable for moid in fit.blocked):
        return None
    return fit.fitting[zlib.crc32(vm.name.encode()) % len(fit.fitting)]


def _no_host_fits(cluster: str, fit: HostFit, purpose: str) -> GantryError:
    blockers = [blocker for blocked in fit.blocked.values() for blocker in blocked]
    if not blockers:
        return GantryError(
            f"No host of cluster {cluster} can {purpose}: it has no hosts that this user can read. Add a host to the "
            "cluster, choose another cluster, or give the user the role Read-only on the hosts.",
            details={"blockers": []},
        )
    reasons = listed(dict.fromkeys(blocker.message.rstrip(".") for blocker in blockers))
    return GantryError(
        f"No host of cluster {cluster} can {purpose}: {reasons}. Choose another cluster, datastore or network, or make "
        "the missing resources available on one of the hosts.",
        details={"blockers": [blocker.as_result() for blocker in blockers]},
    )

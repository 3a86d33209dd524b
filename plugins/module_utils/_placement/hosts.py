# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the host that takes a VM: one that is moved, created or imported. Pure.

All of them ask the same question of each host of a cluster: what prevents the VM from running there (blockers.py)?
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, blockers_of
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import Adapter, Disk, Host, Vm, World
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import Target


@dataclass(frozen=True)
class HostFit:
    """The hosts of a cluster that can take a VM, and the blockers of the others by the host's MoID."""

    fitting: tuple[Host, ...]
    blocked: Mapping[str, tuple[Blocker, ...]]


def fit_hosts(
    vm: Vm, target: Target, mode: str, world: World, here: World | None = None, *, avoid: Iterable[str] = ()
) -> HostFit:
    """Judge each host of the cluster that the target chooses in, in the order of their names."""
    left_out = frozenset(avoid)
    fitting: list[Host] = []
    blocked: dict[str, tuple[Blocker, ...]] = {}
    for host in world.hosts_of(target.choose_in or ""):
        if host.moid in left_out:
            continue
        placed = replace(target, host=host.moid, choose_in=None)
        blockers = blockers_of(vm, placed, mode, world, here)
        if blockers:
            blocked[host.moid] = tuple(blockers)
        elif host.usable:
            fitting.append(host)
    return HostFit(tuple(fitting), blocked)


class HostChooser:
    """Choose hosts for many moves, spread by free memory. ``looks``: whether blockers matter."""

    def __init__(
        self,
        mode: str,
        world: World,
        here: World | None = None,
        *,
        avoid: Iterable[str] = (),
        looks: bool = True,
    ) -> None:
        self._mode = mode
        self._world = world
        self._here = here
        self._avoid = frozenset(avoid)
        self._looks = looks
        self._given: Counter[str] = Counter()

    def possible(self, vm: Vm, target: Target) -> tuple[list[Host], list[Blocker]]:
        """Return the hosts without blockers; where there are none, the blockers of the host that has the fewest."""
        cluster = target.choose_in or ""
        usable = [host for host in self._world.hosts_of(cluster) if host.usable and host.moid not in self._avoid]
        if not self._looks and usable:
            return usable, []
        fit = fit_hosts(vm, target, self._mode, self._world, self._here, avoid=self._avoid)
        if fit.fitting:
            return list(fit.fitting), []
        if not usable:
            return [], [self._no_host(vm, cluster)]
        best = min(usable, key=lambda host: len(fit.blocked[host.moid]))
        return [], list(fit.blocked[best.moid])

    def choose(self, vm: Vm, target: Target) -> tuple[Target, list[Blocker]]:
        hosts, blockers = self.possible(vm, target)
        if not hosts:
            return target, blockers
        best = max(hosts, key=lambda host: (self._room(host), host.name))
        self.take(best.moid, vm)
        return replace(target, host=best.moid, choose_in=None, chosen_by="space"), []

    def least_given(self, hosts: Sequence[Host]) -> list[Host]:
        """Return the hosts that have got the least so far: DRS, asked for one VM after the other, does not know."""
        least = min(self._given[host.moid] for host in hosts)
        return [host for host in hosts if self._given[host.moid] == least]

    def take(self, host: str, vm: Vm) -> None:
        self._given[host] += vm.memory_mb

    def _room(self, host: Host) -> int:
        return host.memory_mb - host.memory_used_mb - self._given[host.moid]

    def _no_host(self, vm: Vm, cluster: str) -> Blocker:
        name = self._world.cluster_name(cluster)
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
) -> Vm:
    """Describe a VM that does not exist yet. ``datastores`` are those of its files, by what the file is."""
    return Vm(
        moid="",
        name=name,
        path=name,
        host=None,
        cluster=cluster,
        pool=None,
        power="on",  # it is created to be started where it is
        disks=tuple(Disk(key, label, moid) for key, (label, moid) in enumerate(datastores.items())),
        adapters=tuple(Adapter(key, f"network adapter {key + 1}", moid) for key, moid in enumerate(networks)),
        memory_mb=memory_mb,
        hardware=hardware,
    )


def host_for_new(vm: Vm, world: World, purpose: str) -> Host | None:
    """Return the host to create the VM on, the same for the same name; None where DRS may choose any host.

    ``purpose`` completes the sentence "No host of cluster C0 can ..." of the error that is raised where no host fits.

    Without DRS a host has to be named. With DRS, vCenter creates a clone on "a random compatible host"
    (VirtualMachineRelocateSpec.host) and DRS chooses again at power on, but whether what the clone changes, its
    networks and its CD, counts in the first choice is not documented. So where one host does not fit, one that does is
    named.
    """
    cluster = world.clusters[vm.cluster or ""]
    fit = fit_hosts(vm, Target(choose_in=cluster.moid), "any", world)
    if not fit.fitting:
        raise _no_host_fits(cluster.name, fit, purpose)
    if cluster.drs and not any(world.hosts[moid].usable for moid in fit.blocked):
        return None
    return fit.fitting[zlib.crc32(vm.name.encode()) % len(fit.fitting)]


def _no_host_fits(cluster: str, fit: HostFit, purpose: str) -> GantryError:
    blockers = [blocker for blocked in fit.blocked.values() for blocker in blocked]
    reasons = listed(dict.fromkeys(blocker.message.rstrip(".") for blocker in blockers)) or "it has no hosts"
    return GantryError(
        f"No host of cluster {cluster} can {purpose}: {reasons}. Choose another cluster, datastore or network, or make "
        "what is missing available on one of the hosts.",
        details={"blockers": [blocker.as_result() for blocker in blockers]},
    )

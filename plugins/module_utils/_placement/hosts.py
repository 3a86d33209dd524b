# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which host takes a VM, where DRS is not there to say: the one with the most free memory that nothing speaks against.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, blockers_of
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import Host, Vm, World
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import Target
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_VERSION = "summary.config.product.version"
_CONNECTION = "runtime.connectionState"
_MAINTENANCE = "runtime.inMaintenanceMode"
_DATASTORES = "datastore"


@dataclass(frozen=True)
class UploadHost:
    """A host that an import lease could be given, and what matters of it."""

    moid: str
    name: str
    version: str
    usable: bool
    """Connected, not in maintenance mode, and it sees the datastore."""


class Chooser:
    """Counts what it has given to each host, so that many VMs are spread. ``looks``: whether blockers matter."""

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

    def candidates(self, cluster: str) -> list[Host]:
        return [host for host in self._world.hosts_of(cluster) if host.usable and host.moid not in self._avoid]

    def possible(self, vm: Vm, target: Target) -> tuple[list[Host], list[Blocker]]:
        """The hosts that nothing speaks against; where there are none, what speaks against the best of them."""
        cluster = target.choose_in or ""
        found: list[Host] = []
        against: list[list[Blocker]] = []
        for host in self.candidates(cluster):
            placed = replace(target, host=host.moid, choose_in=None)
            blockers = blockers_of(vm, placed, self._mode, self._world, self._here) if self._looks else []
            if blockers:
                against.append(blockers)
            else:
                found.append(host)
        if found:
            return found, []
        if not against:
            return [], [self._no_host(vm, cluster)]
        against.sort(key=len)
        return [], against[0]

    def choose(self, vm: Vm, target: Target) -> tuple[Target, list[Blocker]]:
        hosts, blockers = self.possible(vm, target)
        if not hosts:
            return target, blockers
        best = max(hosts, key=lambda host: (self._room(host), host.name))
        self.take(best.moid, vm)
        return replace(target, host=best.moid, choose_in=None, chosen_by="space"), []

    def least_given(self, hosts: Sequence[Host]) -> list[Host]:
        """Those of the hosts that have got the least so far: DRS, asked for one VM after the other, does not know."""
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


def read_hosts(session: Session, hosts: Sequence[Entry], datastore: str) -> list[UploadHost]:
    names = {host.moid: host.name for host in hosts}
    rows = session.read([host.ref for host in hosts], [_VERSION, _CONNECTION, _MAINTENANCE, _DATASTORES])
    return [
        UploadHost(
            moid=row.moid,
            name=names[row.moid],
            version=str(row.get(_VERSION, "")),
            usable=row.get(_CONNECTION) == "connected"
            and not row.get(_MAINTENANCE)
            and any(moid_of(ref) == datastore for ref in row.get(_DATASTORES) or ()),
        )
        for row in rows
    ]


def places_by_itself(session: Session, cluster: Entry) -> bool:
    """Whether vCenter finds the host: DRS does, and with a single host there is nothing to find."""
    if cluster.type_name != "ClusterComputeResource":
        return True
    rows = session.read([cluster.ref], ["configurationEx"])
    configuration: Any = rows[0].get("configurationEx") if rows else None
    return bool(getattr(getattr(configuration, "drsConfig", None), "enabled", False))


def choose_host(hosts: Sequence[UploadHost], cluster: str, datastore: str) -> UploadHost:
    """Any host will do: a template stays on none of them."""
    usable = [host for host in hosts if host.usable]
    if not usable:
        raise GantryError(
            f"No host of {cluster} can take an upload to datastore {datastore}: they must be connected, not in "
            f"maintenance mode, and see the datastore. It has {', '.join(host.name for host in hosts) or 'no hosts'}."
        )
    return min(usable, key=lambda host: host.name)

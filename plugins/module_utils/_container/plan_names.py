# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan who has to be told of containers that come, go or change their names or addresses. Pure.

The containers of the plan are taken as they are after it. A container that the plan starts gets its table before it
starts, so that it finds the others at once; all others get theirs when everything else is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, PowerOn
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import FROM_NETWORK, UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import SUSPENDED, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamedContainer,
    NamesTable,
    NetworkNames,
    make_tables,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_names import check_table, named_container

Planned = tuple[ObservedContainer, Sequence[ContainerChange]]


def plan_names(planned: Sequence[Planned]) -> tuple[list[tuple[ContainerChange, ...]], list[UpdateNames]]:
    """Return the changes of each container, with the tables that they start with, and the updates of tables."""
    own = [_Own.of(observed, changes, index) for index, (observed, changes) in enumerate(planned)]
    scopes = frozenset(scope for one in own for scope in one.scopes)
    if not scopes:
        return [tuple(one.changes) for one in own], []
    mine = [one.named for one in own if one.named is not None]
    peers = _peers(planned)
    at_start = make_tables([*peers, *mine])
    # What networks give is known later, and is written by the updates.
    expected = make_tables([*peers, *(one.expected for one in own if one.expected is not None)])
    # Most of them share one table.
    for container in {id(expected[one.moid]): one for one in (*peers, *mine)}.values():
        check_table(container.name, expected[container.moid])
    stale = [peer for peer in peers if peer.writable and peer.scopes & scopes and peer.lacks(expected[peer.moid])]
    stale += [one.named for one in own if one.named is not None and one.is_stale(at_start, expected)]
    updates = [UpdateNames(one.name, one, expected[one.moid]) for one in stale]
    return [one.with_table(at_start) for one in own], sorted(updates, key=lambda update: update.container)


def _peers(planned: Sequence[Planned]) -> list[NamedContainer]:
    """Return the containers with names that the plan does not apply to."""
    own = {machine.moid for observed, _changes in planned for machine in observed.machines}
    found = {peer.moid: peer for observed, _changes in planned for peer in observed.named if peer.moid not in own}
    return list(found.values())


@dataclass(frozen=True)
class _Own:
    """A container of the plan: before it, and after it if it has names then."""

    changes: Sequence[ContainerChange]
    before: NamedContainer | None
    named: NamedContainer | None
    suspended: bool

    @classmethod
    def of(cls, observed: ObservedContainer, changes: Sequence[ContainerChange], index: int) -> _Own:
        after = observed
        for change in changes:
            after = change.project(after)
        suspended = after.machine is not None and after.machine.power == SUSPENDED
        return cls(changes, _named(observed, index), _named(after, index), suspended)

    @property
    def scopes(self) -> frozenset[tuple[str, str]]:
        return frozenset(scope for one in (self.before, self.named) if one is not None for scope in one.scopes)

    @property
    def start(self) -> PowerOn | None:
        return next((change for change in self.changes if isinstance(change, PowerOn)), None)

    @property
    def expected(self) -> NamedContainer | None:
        """Return the container with a placeholder for each address that a network gives while the task waits."""
        if self.named is None or self.start is None or self.start.wait_for in (None, COMPLETED):
            return self.named
        return replace(self.named, networks=tuple(map(_with_placeholder, self.named.networks)))

    def is_stale(self, at_start: Mapping[str, NamesTable], expected: Mapping[str, NamesTable]) -> bool:
        """Return whether it gets another table besides the one that it starts with."""
        if self.named is None or self.suspended:
            return False
        table = expected[self.named.moid]
        return self.named.lacks(table) if self.start is None else table != at_start[self.named.moid]

    def with_table(self, tables: Mapping[str, NamesTable]) -> tuple[ContainerChange, ...]:
        if self.named is None:
            return tuple(self.changes)
        table = tables[self.named.moid]
        return tuple(replace(change, names=table) if isinstance(change, PowerOn) else change for change in self.changes)


def _with_placeholder(network: NetworkNames) -> NetworkNames:
    version = IPV4 if network.dhcp else IPV6
    known = any(ip_address(address).version == version for address in network.addresses)
    return replace(network, addresses=(*network.addresses, FROM_NETWORK)) if network.learns and not known else network


def _named(observed: ObservedContainer, index: int) -> NamedContainer | None:
    """Return a container by its place in the plan: a machine that the plan creates has no MoID yet."""
    one = None if observed.machine is None else named_container(observed.machine)
    return None if one is None else replace(one, moid=f"planned {index}")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the DRS rules of a stack: one read of its clusters, whatever the number of containers and rules is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import INVENTORY_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ENTRY_LABEL, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import (
    EDIT_CLUSTER,
    StackCluster,
    StackRules,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.target_rules import target_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    ClusterPlace,
    ClusterRules,
    ObservedRules,
    RulesSnapshot,
    RuleVm,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import rule_hosts, snapshot_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.roles import EFFECTIVE_ROLE, roles_with

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_CLUSTER = "ClusterComputeResource"
_CONFIG = "configurationEx"


@dataclass(frozen=True)
class _Member:
    """A container of a service, whether its VM exists or not."""

    service: str | None
    vm: RuleVm
    cluster: Entry
    remains: bool = True
    planned: bool = False


def observe_stack_rules(
    session: Session, desired: DesiredStack, containers: ObservedSet, *, created: Mapping[str, str] | None = None
) -> tuple[StackRules, ...]:
    """Return the rules of each cluster that has or gets containers of the stack.

    ``created`` has the MoIDs of the VMs that were created since the containers were observed, by the names of their
    containers. Those that exist now are in the rules then, and otherwise also those that are planned.
    """
    inventory = session.inventory(vms=True, properties=INVENTORY_PROPERTIES)
    members = [*_listed(desired, containers, created), *_unlisted(desired, containers)]
    clusters = {member.cluster.moid: member.cluster for member in members}
    if not members and not desired.containers.present:
        # What was removed by other means can have left rules behind, and nothing says where.
        clusters = {one.moid: one for one in _all_clusters(inventory, desired.containers.datacenter)}
    if not clusters:
        return ()
    snapshots = _snapshots(session, [one for one in clusters.values() if one.type_name == _CLUSTER])
    paths = {entry.moid: entry.path for entry in (*inventory.vms(), *inventory.all("HostSystem"))}
    paths |= {member.vm.moid: member.vm.path for member in members if member.planned}
    return tuple(
        _rules(desired, _cluster(inventory, cluster, members, snapshots.get(cluster.moid), paths))
        for _moid, cluster in sorted(clusters.items(), key=lambda item: item[1].path)
    )


def _listed(desired: DesiredStack, containers: ObservedSet, created: Mapping[str, str] | None) -> Iterator[_Member]:
    services = {entry: service for service, entry in desired.services.items()}
    for wanted, found in zip(desired.containers.containers, containers.containers, strict=True):
        service = services.get(desired.containers.entry_of(wanted.name))
        if found.machines:
            yield from _machines(found, service, remains=wanted.state != "absent")
        elif found.place is not None and found.place.cluster is not None:
            planned = created is None
            moid = f"(planned) {wanted.name}" if created is None else created.get(wanted.name)
            if moid is not None:
                yield _Member(service, RuleVm(moid, wanted.name, wanted.name), found.place.cluster, planned=planned)


def _unlisted(desired: DesiredStack, containers: ObservedSet) -> Iterator[_Member]:
    for found in containers.unlisted:
        for machine in found.machines:
            if machine.cluster is not None:
                removed = desired.containers.removes(machine.labels.get(ENTRY_LABEL))
                yield _Member(None, _vm(machine), machine.cluster, remains=not removed)


def _machines(found: ObservedContainer, service: str | None, *, remains: bool) -> Iterator[_Member]:
    """Yield the VMs of a container. Only the current one is in rules: a successor takes its place there later."""
    for machine in found.machines:
        if machine.cluster is not None:
            current = machine is found.current and remains
            yield _Member(service if current else None, _vm(machine), machine.cluster, remains=remains)


def _vm(machine: Machine) -> RuleVm:
    host = None if machine.host is None else machine.host.moid
    return RuleVm(machine.moid, machine.name, machine.path, host, machine.running)


def _all_clusters(inventory: Inventory, datacenter: str | None) -> list[Entry]:
    within = None if datacenter is None else inventory.datacenter(datacenter)
    return [one for one in inventory.all(_CLUSTER) if within is None or one.datacenter == within.moid]


def _snapshots(session: Session, clusters: Iterable[Entry]) -> Mapping[str, tuple[RulesSnapshot, str | None]]:
    """Return the rules of each cluster that can be read, and why this user cannot write them."""
    refs = [cluster.ref for cluster in clusters]
    if not refs:
        return {}
    at = time.monotonic()
    rows = {row.moid: row for row in session.read(refs, [_CONFIG, EFFECTIVE_ROLE])}
    roles = {moid: {int(role) for role in row.get(EFFECTIVE_ROLE) or ()} for moid, row in rows.items()}
    editing = roles_with(session, EDIT_CLUSTER, set[int]().union(*roles.values()))

    def snapshot(moid: str, row: Mapping[str, Any]) -> tuple[RulesSnapshot, str | None]:
        if row.get(_CONFIG) is None:
            return _EMPTY, "this user may not read the configuration of the cluster"
        allowed = editing is None or not editing.isdisjoint(roles[moid])
        return snapshot_of(row[_CONFIG], at), None if allowed else f"this user lacks {EDIT_CLUSTER} on the cluster"

    return {moid: snapshot(moid, row) for moid, row in rows.items()}


_EMPTY = RulesSnapshot(ClusterRules(), 0.0)
# A host that is in no cluster has no rules.
_STANDALONE = RulesSnapshot(ClusterRules(), 0.0, drs_enabled=False)


def _cluster(
    inventory: Inventory,
    cluster: Entry,
    members: Iterable[_Member],
    found: tuple[RulesSnapshot, str | None] | None,
    paths: Mapping[str, str],
) -> StackCluster:
    there = [member for member in members if member.cluster.moid == cluster.moid]
    snapshot, obstacle = found or (_STANDALONE, None)
    services: dict[str, tuple[str, ...]] = {}
    for member in there:
        if member.service is not None:
            services[member.service] = (*services.get(member.service, ()), member.vm.moid)
    around = Surroundings(
        cluster.path, rule_hosts(inventory, cluster), {member.vm.moid: member.vm for member in there}, paths
    )
    return StackCluster(
        place=ClusterPlace(
            inventory,
            cluster,
            inventory.entry(cluster.datacenter or ""),
            around,
            {member.vm.name: member.vm.moid for member in there if member.planned},
        ),
        snapshot=snapshot,
        members=services,
        own=frozenset(member.vm.moid for member in there),
        remaining=frozenset(member.vm.moid for member in there if member.remains),
        obstacle=obstacle,
    )


def _rules(desired: DesiredStack, cluster: StackCluster) -> StackRules:
    target = target_rules(desired, cluster)
    return StackRules(
        ObservedRules(cluster.place, cluster.snapshot, target.ruleset),
        required=target.required,
        warnings=target.warnings,
        problems=target.problems,
        obstacle=cluster.obstacle,
    )

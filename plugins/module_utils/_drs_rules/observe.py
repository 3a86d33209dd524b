# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe rules by one read of the inventory and one of the cluster's configuration, whatever the inventory's size."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.decode import decode_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import (
    FULLY_AUTOMATED,
    ClusterPlace,
    ObservedRules,
    RuleHost,
    Ruleset,
    RulesSnapshot,
    RuleVm,
    Surroundings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.resolve import resolve_ruleset
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import is_agent
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import (
    LEVELS,
    find_cluster,
    read_config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import read_selectable
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PROPERTIES = {
    "VirtualMachine": ["runtime.host", "runtime.powerState"],
    "HostSystem": ["runtime.connectionState", "runtime.inMaintenanceMode"],
}


def observe_rules(session: Session, desired: Ruleset) -> ObservedRules:
    """Return the cluster with its rules, and the ruleset with MoIDs for names."""
    place = _with_planned(find_place(session, desired.cluster, desired.datacenter), desired.planned_vms)
    return ObservedRules(place, read_snapshot(session, place.cluster), resolve_ruleset(desired, place))


def _with_planned(place: ClusterPlace, names: Collection[str]) -> ClusterPlace:
    """Add the planned VMs that do not exist as VMs of the cluster that are off."""
    existing = {known for vm in place.inventory.vms() for known in (vm.name, vm.path)}
    planned = {name: f"(planned) {name}" for name in names if name not in existing}
    vms = {moid: RuleVm(moid, name.rpartition("/")[2], name) for name, moid in planned.items()}
    paths = {moid: name for name, moid in planned.items()}
    around = replace(place.around, vms={**place.around.vms, **vms}, paths={**place.around.paths, **paths})
    return replace(place, around=around, planned=planned)


def find_place(session: Session, cluster: str | None, datacenter: str | None) -> ClusterPlace:
    """Return the selected cluster and its contents."""
    inventory = read_selectable(session, properties=_PROPERTIES)
    within = None if datacenter is None else inventory.datacenter(datacenter)
    found = find_cluster(inventory, cluster, within)
    own = inventory.entry(found.datacenter or "")
    return ClusterPlace(inventory, found, own, _surroundings(inventory, found))


def read_snapshot(session: Session, cluster: Entry) -> RulesSnapshot:
    """Return the cluster's current configuration. One request."""
    at = time.monotonic()
    return snapshot_of(read_config(session, cluster), at)


def snapshot_of(config: Any, at: float) -> RulesSnapshot:
    """Return what a ClusterConfigInfoEx says, and when it was read."""
    drs = config.drsConfig
    behavior = None if drs is None else drs.defaultVmBehavior
    return RulesSnapshot(
        rules=decode_rules(config),
        at=at,
        drs_enabled=bool(drs is not None and drs.enabled),
        overrides_allowed=drs is None or drs.enableVmBehaviorOverrides is not False,
        automation=FULLY_AUTOMATED if behavior is None else LEVELS[str(behavior)],
    )


def _surroundings(inventory: Inventory, cluster: Entry) -> Surroundings:
    hosts = rule_hosts(inventory, cluster)
    vms = {}
    for entry in inventory.vms():
        moid = moid_or_none(entry.properties.get("runtime.host"))
        if moid in hosts and not entry.properties.get("config.template"):
            on = str(entry.properties.get("runtime.powerState")) == "poweredOn"
            vms[entry.moid] = RuleVm(entry.moid, entry.name, entry.path, moid, on, is_agent(entry))
    paths = {entry.moid: entry.path for entry in (*inventory.vms(), *inventory.all("HostSystem"))}
    return Surroundings(cluster.path, hosts, vms, paths)


def rule_hosts(inventory: Inventory, cluster: Entry) -> dict[str, RuleHost]:
    """Return the hosts of a cluster. The inventory must have their states."""
    return {entry.moid: _host(entry) for entry in inventory.hosts(cluster)}


def _host(entry: Entry) -> RuleHost:
    state = str(entry.properties.get("runtime.connectionState", "connected"))
    trouble = None
    if state != "connected":
        trouble = "not responding" if state == "notResponding" else state
    elif entry.properties.get("runtime.inMaintenanceMode"):
        trouble = "in maintenance mode"
    return RuleHost(entry.moid, entry.name, entry.path, trouble)

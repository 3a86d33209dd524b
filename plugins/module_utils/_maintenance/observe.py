# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe a host, the VMs that must leave it, and the blockers; the number of requests is constant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.blockers import evacuation_blockers
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.capacity import (
    capacity_blockers,
    overcommitted,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.decode import decode_progress
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import (
    MaintenanceProgress,
    MaintenanceRequest,
    ObservedHost,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.template_moves import evacuated_templates
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.agents import AGENT_PROPERTIES, is_agent
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_vm import (
    DEMAND_PROPERTIES,
    decode_demand,
    is_on,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    HostFacts,
    PlacementView,
    VmDemand,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import (
    VIEW_PROPERTIES,
    PlacementScene,
    read_scene,
    view_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_moves import find_move_blockers

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PROPERTIES: Mapping[str, Sequence[str]] = {
    **VIEW_PROPERTIES,
    "HostSystem": (*VIEW_PROPERTIES["HostSystem"], "recentTask"),
    "VirtualMachine": (
        "config.template",
        keys.option_path(keys.KIND),
        *AGENT_PROPERTIES,
        *VIEW_PROPERTIES["VirtualMachine"],
        *DEMAND_PROPERTIES,
    ),
}


def observe_maintenance(session: Session, desired: MaintenanceRequest) -> ObservedHost:
    """Observe the host, and before it enters maintenance mode also its VMs and their blockers."""
    inventory = session.inventory(vms=True, properties=_PROPERTIES, refresh=True)
    entry = _find(inventory, desired)
    progress = _in_progress(session, entry)
    cluster = inventory.entry(entry.parent or "")
    in_maintenance = bool(entry.properties.get("runtime.inMaintenanceMode"))
    if in_maintenance is desired.present or not desired.present:
        # No VM has to leave it, so nothing more is needed.
        view = view_of(inventory, {})
        moves = ObservedMoves((), view, view)
        name = None if cluster is None else cluster.name
        return ObservedHost(entry.moid, entry.path, name, moves, in_progress=progress)
    return _before_entering(session, desired, inventory, entry, progress)


def _find(inventory: Inventory, desired: MaintenanceRequest) -> Entry:
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    cluster = None if desired.cluster is None else inventory.cluster(desired.cluster, datacenter=datacenter)
    return inventory.host(desired.host, datacenter=datacenter, cluster=cluster)


def _in_progress(session: Session, entry: Entry) -> MaintenanceProgress | None:
    tasks = entry.properties.get("recentTask") or ()
    rows = session.read(list(tasks), ["info"]) if tasks else []
    return decode_progress((row.moid, row) for row in rows)


def _before_entering(
    session: Session,
    desired: MaintenanceRequest,
    inventory: Inventory,
    entry: Entry,
    progress: MaintenanceProgress | None,
) -> ObservedHost:
    there, agents = _vms_on(inventory, entry)
    leaving = [vm for vm in there if is_on(vm.properties) or _must_leave(vm, desired)]
    scene = read_scene(
        session, inventory, sorted(leaving, key=lambda vm: vm.path), clusters=[entry.parent] if entry.parent else []
    )
    view = scene.view
    host = view.hosts[entry.moid]
    cluster = view.clusters[host.cluster or ""]
    templates = {vm.moid for vm in there if _is_template(vm)}
    found = PlacementScene([vm for vm in scene.vms if vm.moid not in templates], view, scene.devices)
    moves = ObservedMoves(found.vms, view, view)
    homes = evacuated_templates(desired, host, cluster, [vm for vm in scene.vms if vm.moid in templates], view)
    stays = {vm.moid for vm in there} - {vm.moid for vm in found.vms} - {one.moid for one in homes.moves}
    blockers: tuple[Blocker, ...] = ()
    if desired.precheck != "skip":
        demands = _demands(inventory, cluster, view)
        blockers = (
            *homes.blockers,
            *_host_blockers(host),
            *(capacity_blockers(view, cluster, host, demands) if found.vms else ()),
        )
        warning = overcommitted(view, cluster, host, demands) if found.vms else None
    else:
        warning = None
    if not desired.by_drs:
        moves = _explicit(session, desired, moves, found, inventory, cluster, host)
        blockers = (*blockers, *moves.blockers)
    elif desired.precheck != "skip":
        blockers = (*blockers, *evacuation_blockers(desired, host, cluster, found.vms, view))
    return ObservedHost(
        entry.moid,
        entry.path,
        cluster.name,
        moves,
        tuple(sorted(vm.path for vm in there if vm.moid in stays)),
        homes.moves,
        progress,
        _without_repetition(blockers),
        (*homes.warnings, *(() if warning is None else (warning,))),
        left_to_vcenter=tuple(sorted(vm.path for vm in agents)),
    )


def _vms_on(inventory: Inventory, host: Entry) -> tuple[list[Entry], list[Entry]]:
    """Return the VMs on the host, and the agent VMs there, which vCenter itself stops or moves."""
    there = [vm for vm in inventory.vms() if _host_of(vm) == host.moid]
    return [vm for vm in there if not is_agent(vm)], [vm for vm in there if is_agent(vm)]


def _must_leave(vm: Entry, desired: MaintenanceRequest) -> bool:
    """Return whether what is off leaves too: the templates of images do, so that they can still be cloned."""
    is_image = _is_template(vm) and keys.option(vm.properties, keys.KIND) == keys.KIND_IMAGE
    return desired.evacuate_powered_off or is_image


def _is_template(vm: Entry) -> bool:
    return bool(vm.properties.get("config.template"))


def _explicit(
    session: Session,
    desired: MaintenanceRequest,
    moves: ObservedMoves,
    found: PlacementScene,
    inventory: Inventory,
    cluster: ClusterFacts,
    host: HostFacts,
) -> ObservedMoves:
    """Choose a host for each VM as vm_vmotion does, in the cluster without this host."""
    targets = {vm.moid: MoveTarget(choose_in=cluster.moid) for vm in found.vms}
    return find_move_blockers(
        session, desired.as_vmotion(), replace(moves, targets=targets), found, inventory, avoid=[host.moid]
    )


def _host_blockers(host: HostFacts) -> list[Blocker]:
    if host.connection == "connected":
        return []
    return [
        Blocker(
            None,
            "host_disconnected",
            f"host {host.name} is {host.connection}.",
            "Connect the host to vCenter again.",
            host.name,
        )
    ]


def _without_repetition(blockers: Sequence[Blocker]) -> tuple[Blocker, ...]:
    """Report once that there is no other host, not for each VM."""
    alone = any(one.vm is None and one.code == "not_enough_hosts" for one in blockers)
    return tuple(
        dict.fromkeys(one for one in blockers if not (alone and one.vm is not None and one.code == "not_enough_hosts"))
    )


def _demands(inventory: Inventory, cluster: ClusterFacts, view: PlacementView) -> list[VmDemand]:
    return [
        demand
        for vm in inventory.vms()
        if is_on(vm.properties)
        and not is_agent(vm)
        and (demand := decode_demand(vm.properties)) is not None
        and view.cluster_of(demand.host) == cluster.moid
    ]


def _host_of(vm: Entry) -> str | None:
    return moid_or_none(vm.properties.get("runtime.host"))


def whereabouts(session: Session, vms: Sequence[VmFacts]) -> dict[str, str | None]:
    """Read the host that each VM is on now, by the VM's MoID."""
    rows = session.read([session.ref("VirtualMachine", vm.moid) for vm in vms], ["runtime.host"]) if vms else []
    return {row.moid: moid_or_none(row.get("runtime.host")) for row in rows}

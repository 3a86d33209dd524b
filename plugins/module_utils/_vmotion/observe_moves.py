# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe moves before anything is moved: the VMs, their targets, the hosts that DRS chooses, and the blockers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, blockers_of
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import HostChooser
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import HostFacts, PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import (
    VIEW_PROPERTIES,
    PlacementScene,
    clusters_of,
    read_scene,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import read_selectable, select_vms
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import network_backings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion import observe_checks
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.handles import DestinationVcenter, MoveHandles
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import (
    ObservedMoves,
    ResolvedDestination,
    VmotionRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_space import find_space
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.resolve import resolve_place
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target import target_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_moves(session: Session, desired: VmotionRequest) -> ObservedMoves:
    """Observe the VMs within one vCenter."""
    inventory = read_selectable(session, properties=VIEW_PROPERTIES, refresh=True)
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    entries = select_vms(inventory, desired.selectors, datacenter=datacenter, option="vms")
    clusters = clusters_of(inventory, entries)
    where = resolve_place(inventory, desired.place, desired.disks, source=inventory, clusters=clusters)
    found = read_scene(session, inventory, entries, clusters=[where.cluster] if where.cluster else [])
    view = found.view
    targets, blockers = targets_of(found.vms, where, view, view)
    return find_move_blockers(
        session, desired, ObservedMoves(found.vms, view, view, targets, tuple(blockers)), found, inventory
    )


def targets_of(
    vms: Sequence[VmFacts], where: ResolvedDestination, view: PlacementView, origin: PlacementView
) -> tuple[dict[str, MoveTarget], list[Blocker]]:
    targets: dict[str, MoveTarget] = {}
    blockers: list[Blocker] = []
    for vm in vms:
        targets[vm.moid], missing = target_of(vm, where, view, origin)
        blockers.extend(missing)
    return targets, blockers


def find_move_blockers(
    session: Session,
    desired: VmotionRequest,
    observed: ObservedMoves,
    found: PlacementScene,
    inventory: Inventory,
    destination: DestinationVcenter | None = None,
    *,
    avoid: Sequence[str] = (),
) -> ObservedMoves:
    """Choose a host for each VM that needs one, except those to ``avoid``, and find the blockers of all moves."""
    moving = [vm for vm in observed.vms if vm.in_flight is None and not observed.targets[vm.moid].in_place]
    handles = MoveHandles(
        inventory,
        found.devices,
        network_backings(
            inventory if destination is None else destination.inventory,
            [network for vm in moving for network in observed.targets[vm.moid].networks.values()],
        ),
        destination,
    )
    chosen, unplaced = _choose_hosts(session, desired, observed, moving, handles, avoid)
    observed = replace(observed, targets={**observed.targets, **chosen}, handles=handles)
    blockers = [*observed.blockers, *unplaced]
    if desired.precheck == "skip":
        return replace(observed, blockers=tuple(blockers))
    for vm in moving:
        blockers.extend(_ours(vm, desired, observed, destination))
    full, warnings = find_space(moving, observed.targets, observed.view, observed.origin)
    blockers.extend(full)
    theirs, reported = _theirs(session, observed, moving, blockers, handles)
    blockers.extend(theirs)
    both = {moid: [*reported.get(moid, ()), *warnings.get(moid, ())] for moid in {**reported, **warnings}}
    return replace(observed, blockers=tuple(dict.fromkeys(blockers)), warnings=both)


def _choose_hosts(
    session: Session,
    desired: VmotionRequest,
    observed: ObservedMoves,
    moving: Sequence[VmFacts],
    handles: MoveHandles,
    avoid: Sequence[str],
) -> tuple[dict[str, MoveTarget], list[Blocker]]:
    """Choose hosts, by DRS if it is enabled and the VMs are in its vCenter."""
    origin = None if handles.destination is None else observed.origin
    chooser = HostChooser(desired.mode, observed.view, origin, avoid=avoid, looks=desired.precheck != "skip")
    targets: dict[str, MoveTarget] = {}
    blockers: list[Blocker] = []
    for vm in moving:
        target = observed.targets[vm.moid]
        if target.choose_in is None:
            continue
        cluster = observed.view.clusters[target.choose_in]
        if not cluster.drs or handles.destination is not None:
            targets[vm.moid], against = chooser.choose(vm, target)
            blockers.extend(against)
            continue
        hosts, against = chooser.possible(vm, target)
        if not hosts:
            blockers.extend(against)
            continue
        preferred = hosts if vm.moid in cluster.together else chooser.least_given(hosts)
        answer = _recommended(session, vm, target, preferred, observed, handles)
        if isinstance(answer, Blocker) and preferred != hosts:
            answer = _recommended(session, vm, target, hosts, observed, handles)
        if isinstance(answer, Blocker):
            blockers.append(answer)
        else:
            chooser.take(answer, vm)
            targets[vm.moid] = replace(target, host=answer, choose_in=None, chosen_by="drs")
    return targets, blockers


def _recommended(
    session: Session,
    vm: VmFacts,
    target: MoveTarget,
    hosts: Sequence[HostFacts],
    observed: ObservedMoves,
    handles: MoveHandles,
) -> str | Blocker:
    """Return the host among these that DRS recommends for the move, or a blocker."""
    wanted = handles.placement(session, vm, target, hosts)
    return observe_checks.place(session, vm, target.applied_to(vm), target.choose_in or "", wanted, observed.view)


def _ours(
    vm: VmFacts, desired: VmotionRequest, observed: ObservedMoves, destination: DestinationVcenter | None
) -> list[Blocker]:
    origin = None if destination is None else observed.origin
    return blockers_of(vm, observed.targets[vm.moid], desired.mode, observed.view, origin)


def _theirs(
    session: Session,
    observed: ObservedMoves,
    moving: Sequence[VmFacts],
    ours: Sequence[Blocker],
    handles: MoveHandles,
) -> tuple[list[Blocker], Mapping[str, Sequence[str]]]:
    """Let vCenter check the moves, except those that DRS has recommended and thereby checked."""
    undecided = {blocker.vm for blocker in ours if blocker.host is None}
    asked = [
        vm
        for vm in moving
        if (target := observed.targets[vm.moid]).choose_in is None
        and target.chosen_by != "drs"
        and vm.path not in undecided
    ]
    if not asked:
        return [], {}
    specs = [(vm, handles.first_spec(session, vm, observed.targets[vm.moid])) for vm in asked]
    theirs, warnings = observe_checks.check(session, specs, observed.view, lambda _text: None)
    blockers = []
    for vm in asked:
        blockers.extend(observe_checks.beyond([one for one in ours if one.vm == vm.path], theirs.get(vm.moid, ())))
    return blockers, warnings

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is on a host to the way into maintenance mode and out of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.changes import (
    AwaitMaintenance,
    EnterMaintenance,
    LeaveMaintenance,
    MaintenanceChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.request import MaintenanceRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker, summary
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.changes import AwaitMove, MoveVm
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.choosing import Chooser
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.facts import Cluster, Host, Vm, World
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.planning import (
    blockers_result,
    plan_moves,
    predict_moves,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.request import Place, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import Target


def vmotion_of(desired: MaintenanceRequest, precheck: str | None = None) -> VmotionRequest:
    """The moves of an explicit evacuation, as vm_vmotion would be asked for them."""
    return VmotionRequest(
        (), desired.datacenter, Place(), precheck=precheck or desired.precheck, timeout=desired.timeout
    )


def plan_maintenance(desired: MaintenanceRequest, observed: ObservedHost) -> Plan[MaintenanceChange]:
    """Raises where anything keeps the host from it: nothing has been changed then."""
    if observed.maintenance is desired.present and observed.in_progress is None:
        return Plan()
    if desired.present and desired.precheck == "only":
        return Plan()
    return Plan(tuple(_enter(desired, observed) if desired.present else _leave(observed)))


def _leave(observed: ObservedHost) -> Iterator[MaintenanceChange]:
    progress = observed.in_progress
    if progress is None:
        yield LeaveMaintenance(observed.name)
    elif progress.entering:
        raise GantryError(
            f"host {observed.name} is about to enter maintenance mode ({progress.task}), so it cannot leave it. Wait "
            "until that is over, or cancel the task, and run again."
        )
    else:
        yield AwaitMaintenance(observed.name, progress.task, entering=False)


def _enter(desired: MaintenanceRequest, observed: ObservedHost) -> Iterator[MaintenanceChange]:
    progress = observed.in_progress
    if progress is not None:
        if not progress.entering:
            raise GantryError(
                f"host {observed.name} is about to leave maintenance mode ({progress.task}). Run again when that is "
                "over."
            )
        if not desired.by_drs:
            yield from plan_moves(vmotion_of(desired, "false"), observed.moves).changes
        yield AwaitMaintenance(observed.name, progress.task, entering=True)
        return
    if observed.blockers:
        raise GantryError(
            f"Host {observed.name} cannot enter maintenance mode, and nothing was changed. "
            f"{summary(observed.blockers)}",
            details={"blockers": blockers_result(observed.blockers), "evacuated": [], "staying": []},
        )
    if not desired.by_drs:
        yield from plan_moves(vmotion_of(desired), observed.moves).changes
    yield EnterMaintenance(observed.name, tuple(vm.path for vm in observed.leaving) if desired.by_drs else ())


def moves_of(plan: Plan[MaintenanceChange]) -> Plan[MoveVm | AwaitMove]:
    """The moves of the plan, which come before what is done to the host."""
    return Plan(tuple(change for change in plan.changes if isinstance(change, MoveVm | AwaitMove)))


def predict_maintenance(
    desired: MaintenanceRequest, observed: ObservedHost, plan: Plan[MaintenanceChange]
) -> ObservedHost:
    """All goes well. Where DRS moves VMs to is known only afterwards."""
    moves = predict_moves(observed.moves, moves_of(plan))
    now: dict[str, str | None] = {}
    for vm in observed.leaving:
        target = None if desired.by_drs else observed.moves.targets.get(vm.moid)
        now[vm.moid] = None if target is None else moves.world.host_name(target.host)
    return after(replace(observed, moves=moves, now=now), maintenance=desired.present)


def after(observed: ObservedHost, *, maintenance: bool) -> ObservedHost:
    here = observed.moves.here
    host = replace(here.hosts[observed.moid], maintenance=maintenance)
    world = replace(here, hosts={**here.hosts, observed.moid: host})
    return replace(observed, moves=replace(observed.moves, here=world, world=world), in_progress=None)


# -- what keeps it from it


def evacuation_blockers(
    desired: MaintenanceRequest, host: Host, cluster: Cluster, vms: tuple[Vm, ...], world: World
) -> Iterator[Blocker]:
    """What keeps DRS from moving the VMs away, and the VMs from moving at all."""
    running = [vm for vm in vms if vm.is_on]
    if desired.by_drs and vms:
        yield from _drs_blockers(host, cluster, running or list(vms))
    chooser = Chooser("any", world, avoid=[host.moid])
    for vm in vms:
        if vm.in_flight is None:
            yield from chooser.possible(vm, Target(choose_in=cluster.moid))[1]


def _drs_blockers(host: Host, cluster: Cluster, vms: list[Vm]) -> Iterator[Blocker]:
    cure = "Set evacuation to explicit, or "
    if not cluster.drs:
        yield Blocker(
            None,
            "drs_disabled",
            f"DRS of cluster {cluster.name} is off, so nothing moves the {len(vms)} VMs away.",
            f"{cure}turn DRS on.",
            host.name,
        )
        return
    for vm in vms:
        level = cluster.automation_of(vm.moid)
        if level != "fullyAutomated":
            yield Blocker(
                vm.path,
                "drs_disabled",
                f"DRS of cluster {cluster.name} does not move it by itself (its automation is {level}).",
                f"{cure}set its automation to fullyAutomated.",
                host.name,
            )


def evacuated_result(observed: ObservedHost) -> list[dict[str, Any]]:
    """Each VM that had to leave, with where it is now."""
    return [
        {
            "name": vm.name,
            "path": vm.path,
            "moid": vm.moid,
            "mode": "live" if vm.is_on else "cold",
            "from": observed.name,
            "to": observed.now.get(vm.moid),
        }
        for vm in observed.leaving
        if vm.moid in observed.now
    ]

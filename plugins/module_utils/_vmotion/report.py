# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report each VM, for results and errors. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import placement
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import MoveOutcome, ObservedMoves


def vms_report(observed: ObservedMoves) -> list[dict[str, Any]]:
    """Return one entry for each VM, in the order in which they were selected."""
    blocked = {blocker.vm for blocker in observed.blockers}
    entries = [_entry(vm, observed, vm.path in blocked) for vm in observed.vms]
    return entries + [_in_place(vm, placement(vm, observed.view)) for vm in observed.arrived]


def _in_place(vm: VmFacts, place: dict[str, Any]) -> dict[str, Any]:
    return _shaped(vm, "in_place", place, place, MoveOutcome("in_place"), [])


def _entry(vm: VmFacts, observed: ObservedMoves, blocked: bool) -> dict[str, Any]:
    source = placement(vm, observed.origin)
    target = observed.targets.get(vm.moid)
    outcome = observed.outcomes.get(vm.moid)
    if outcome is None:
        status = "blocked" if blocked else "in_flight" if vm.in_flight else "in_place"
        if status == "in_place" and target is not None and not target.in_place:
            status = "movable"
        outcome = MoveOutcome(status)
    if vm.in_flight is not None or target is None:
        return _shaped(
            vm, outcome.status, source, dict(outcome.now or source), outcome, observed.warnings.get(vm.moid, ())
        )
    goal = placement(target.applied_to(vm), observed.view)
    if target.choose_in is not None:
        goal["host"] = None  # none was found
    if outcome.status == "in_place":
        goal = source
    return _shaped(
        vm,
        outcome.status,
        source,
        dict(outcome.now or goal),
        outcome,
        observed.warnings.get(vm.moid, ()),
        chosen_by=None if target.in_place or not target.host else target.chosen_by,
    )


def _shaped(
    vm: VmFacts,
    status: str,
    source: dict[str, Any],
    goal: dict[str, Any],
    outcome: MoveOutcome,
    warnings: Sequence[str],
    *,
    chosen_by: str | None = None,
) -> dict[str, Any]:
    moves = status != "in_place"
    return {
        "name": vm.name,
        "path": vm.path,
        "moid": vm.moid,
        "status": status,
        "mode": ("live" if vm.is_on else "cold") if moves else None,
        "from": source,
        "to": goal,
        "what": sorted(key for key in source if source[key] != goal[key]),
        "chosen_by": chosen_by,
        "duration": outcome.duration,
        "verified": None if outcome.verified is None else outcome.verified.as_result(),
        "fault": None if outcome.fault is None else dict(outcome.fault),
        "message": outcome.message,
        "warnings": list(warnings),
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, change or remove a resource pool, and verify what it is then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several, apply_several
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.changes import (
    ChangePoolAllocation,
    MakeResourcePool,
    PoolChange,
    RemoveResourcePool,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.encode import encode_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    Allocations,
    ObservedPool,
    PoolState,
    refuse_pool_contents,
    view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.observe import read_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_pools(
    session: Session, observed: Several[ObservedPool], plan: Plan[ChangeOfOne], report: Report
) -> Several[ObservedPool]:
    """Make the changes of all pools and return them as they are then."""
    return apply_several(observed, plan, lambda one, changes: apply_pool(session, one, changes, report))


def apply_pool(session: Session, observed: ObservedPool, plan: Plan[PoolChange], report: Report) -> ObservedPool:
    """Make the changes and return the pool as it is then."""
    expected = plan.project(observed)
    path = observed.place.path
    match plan.changes[0]:
        case RemoveResourcePool() as change:
            _remove(session, change, report)
            return expected
        case MakeResourcePool() as change:
            moid, written = _make(session, observed, change, report), change.allocations
        case ChangePoolAllocation():
            moid, written = _moid(observed), _changed(plan)
            session.run_one(_update(session, path, moid, written), report)
    return replace(expected, pool=_verified(session, path, moid, written))


def _make(session: Session, observed: ObservedPool, change: MakeResourcePool, report: Report) -> str:
    (name,) = observed.place.missing
    above = observed.place.parent
    parent, spec = session.ref(above.type_name, above.moid), encode_pool(change.allocations)
    job = Job(change.path, "create", lambda: parent.CreateResourcePool(encode_name(name), spec), has_task=False)
    return moid_of(session.run_one(job, report))


def _moid(observed: ObservedPool) -> str:
    if observed.pool is None or observed.pool.moid is None:
        raise ValueError(f"the plan changes {observed.place.path}, which does not exist")
    return observed.pool.moid


def _changed(plan: Plan[PoolChange]) -> Allocations:
    """Return the values that the plan changes."""
    values: dict[str, dict[str, Any]] = {}
    for change in plan.changes:
        if isinstance(change, ChangePoolAllocation):
            values.setdefault(change.kind, {})[change.name] = change.new
    return values


def _update(session: Session, path: str, moid: str, changed: Allocations) -> Job:
    """Return the job that writes these values at once.

    Whatever else somebody has changed by then stays, since the pool is read just before. If it is changed in between,
    vCenter refuses the write, and the job starts again.
    """

    def start() -> None:
        now = read_pool(session, moid)
        if now is None:
            raise _gone(path)
        merged = {kind: {**allocation, **changed.get(kind, {})} for kind, allocation in now.allocations.items()}
        session.ref("ResourcePool", moid).UpdateConfig(None, encode_pool(merged, now.change_version))

    return Job(path, "change", start, has_task=False)


def _remove(session: Session, change: RemoveResourcePool, report: Report) -> None:
    # A VM may have been put into it since the plan was made.
    pool = read_pool(session, change.moid, contents=True)
    if pool is not None:
        refuse_pool_contents(change.path, pool.contents)
        session.run_one(Job(change.path, "remove", session.ref("ResourcePool", change.moid).Destroy_Task), report)


def _verified(session: Session, path: str, moid: str, written: Allocations) -> PoolState:
    """Return the pool as vCenter has it; what was written must be there."""
    now = read_pool(session, moid)
    if now is None:
        raise _gone(path)
    left = [
        f"{kind}.{name} is {view(kind, name, now.allocations[kind][name])} and not {view(kind, name, value)}"
        for kind, allocation in written.items()
        for name, value in allocation.items()
        if now.allocations[kind][name] != value
    ]
    if left:
        raise GantryError(
            f"vCenter accepted the values of {path}, but {', '.join(left)}. Either this version of vCenter does not "
            "know them, or another client changed them at the same time."
        )
    return now


def _gone(path: str) -> GantryError:
    return GantryError(f"The resource pool {path} was removed while this task changed it. Run again.")

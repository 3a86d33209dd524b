# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change roles and permissions. The permissions of one object are set by one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.changes import (
    AccessChange,
    ChangeRole,
    MakeRole,
    RemovePermission,
    RemoveRole,
    SetPermission,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.encode import encode_permission
from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import ALWAYS, ObservedAccess, path_of
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_access(
    session: Session, observed: ObservedAccess, plan: Plan[AccessChange], report: Report
) -> ObservedAccess:
    """Make the changes in the order of the plan, and return the roles and permissions as they are then."""
    state, pending = observed, list[SetPermission]()
    for change in plan.changes:
        if isinstance(change, SetPermission):
            pending.append(change)
        else:
            _set_permissions(session, state, pending, report)
            pending.clear()
        state = _make(session, state, change, report)
    _set_permissions(session, state, pending, report)
    return state


def _make(session: Session, state: ObservedAccess, change: AccessChange, report: Report) -> ObservedAccess:
    """Make one change, except to set a permission, and return the state after it."""
    after, manager = change.project(state), session.content.authorizationManager
    match change:
        case MakeRole():
            privileges = sorted(change.privileges)
            job = _job(f"role {change.name}", "create", lambda: manager.AddAuthorizationRole(change.name, privileges))
            role = replace(after.roles[change.name], id=int(session.run_one(job, report)))
            return replace(after, roles={**after.roles, change.name: role})
        case ChangeRole():
            new = sorted(change.new | ALWAYS)
            job = _job(
                f"role {change.name}", "change", lambda: manager.UpdateAuthorizationRole(change.id, change.name, new)
            )
            session.run_one(job, report)
        case RemoveRole():
            # A permission may have got the role since the plan was made.
            job = _job(f"role {change.name}", "remove", lambda: manager.RemoveAuthorizationRole(change.id, True))
            session.run_one(job, report)
        case RemovePermission():
            entity, old = _entity(state, change.moid), change.old
            job = _job(
                f"the permission of {old.principal}",
                "remove",
                lambda: manager.RemoveEntityPermission(entity, old.principal, old.group),
            )
            session.run_one(job, report)
    return after


def _set_permissions(session: Session, state: ObservedAccess, changes: list[SetPermission], report: Report) -> None:
    """Set the permissions, with one request for each object."""
    manager = session.content.authorizationManager
    for moid in dict.fromkeys(change.moid for change in changes):
        here = [change for change in changes if change.moid == moid]
        specs = [encode_permission(change.new, state.roles[change.new.role].existing_id) for change in here]
        entity = _entity(state, moid)

        def start(entity: Any = entity, specs: list[Any] = specs) -> None:
            manager.SetEntityPermissions(entity, specs)

        session.run_one(_job(f"the permissions of {here[0].path}", "set", start), report)


def _entity(state: ObservedAccess, moid: str) -> Any:
    entry = next(entry for entry in state.objects if entry.moid == moid)
    if entry.ref is None:
        raise GantryError(
            f"{path_of(entry)} does not exist. assume_created says that a task before this one creates it; create it "
            "first, or correct assume_created."
        )
    return entry.ref


def _job(subject: str, action: str, start: Callable[[], Any]) -> Job:
    return Job(subject, action, start, has_task=False)

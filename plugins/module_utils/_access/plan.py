# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed roles and permissions. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._access.changes import (
    AccessChange,
    ChangeRole,
    MakeRole,
    RemovePermission,
    RemoveRole,
    SetPermission,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.lockout import refuse_lockout
from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    DesiredAccess,
    DesiredPermission,
    DesiredRole,
    ObservedAccess,
    Permission,
    RoleState,
    path_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

# System roles that a permission cannot have: vCenter uses them itself.
_NOT_GRANTABLE = ("View", "Anonymous")


def plan_access(desired: DesiredAccess, observed: ObservedAccess) -> Plan[AccessChange]:
    """Return what makes roles and permissions as desired; refuse what vCenter would refuse, and losing access.

    A role is created before it is given, and removed after it is taken away.
    """
    _refuse_unknown(desired, observed)
    taken = list(_removed_permissions(desired, observed))
    roles = [change for role in desired.roles if role.present for change in _role_changes(role, observed)]
    after_roles = Plan(tuple(roles)).project(observed)
    given = list(_set_permissions(desired, after_roles))
    before_removal = Plan((*taken, *roles, *given)).project(observed)
    gone = [change for role in desired.roles if not role.present for change in _removal(role, before_removal)]
    plan = Plan[AccessChange]((*taken, *roles, *given, *gone))
    refuse_lockout(observed, plan.project(observed))
    return plan


def _role_changes(desired: DesiredRole, observed: ObservedAccess) -> Iterator[AccessChange]:
    role = observed.role(desired.name)
    if role is None:
        yield MakeRole(desired.name, desired.privileges)
    elif role.privileges != desired.privileges:
        _refuse_system(role, "changed")
        yield ChangeRole(role.existing_id, role.name, role.privileges, desired.privileges)


def _removal(desired: DesiredRole, observed: ObservedAccess) -> Iterator[AccessChange]:
    role = observed.role(desired.name)
    if role is None:
        return
    _refuse_system(role, "removed")
    uses = [
        f"{one.principal} on {observed.paths.get(moid, moid)}"
        for (moid, _holder), one in observed.permissions.items()
        if one.role == role.name
    ]
    if uses:
        raise GantryError(
            f"The role {role.name!r} is not removed because it is in use: {listed(sorted(uses))}. vCenter would remove "
            "these permissions with it. Remove them first, or list them here with state: absent.",
            details={"uses": sorted(uses)},
        )
    yield RemoveRole(role.existing_id, role.name, role.privileges)


def _removed_permissions(desired: DesiredAccess, observed: ObservedAccess) -> Iterator[AccessChange]:
    for permission, entry in _permissions(desired, observed):
        old = observed.permissions.get((entry.moid, permission.holder))
        if permission.role is None and old is not None:
            yield RemovePermission(entry.moid, path_of(entry), old)


def _set_permissions(desired: DesiredAccess, observed: ObservedAccess) -> Iterator[AccessChange]:
    for permission, entry in _permissions(desired, observed):
        if permission.role is None:
            continue
        old = observed.permissions.get((entry.moid, permission.holder))
        role = _grantable(permission.role, desired, observed)
        new = Permission(observed.spellings[permission.holder], permission.group, role.name, permission.propagate)
        if old != new:
            yield SetPermission(entry.moid, path_of(entry), old, new)


def _permissions(desired: DesiredAccess, observed: ObservedAccess) -> Iterator[tuple[DesiredPermission, Entry]]:
    return zip(desired.permissions, observed.objects, strict=True)


def _grantable(name: str, desired: DesiredAccess, observed: ObservedAccess) -> RoleState:
    """Return the role that a permission is to have: one that exists, or that this task creates."""
    role = observed.role(name)
    if role is None:
        raise GantryError(
            f"There is no role {name!r}.{_close(name, observed.roles)} List it under roles, or correct the name."
        )
    if any(not one.present and observed.role(one.name) == role for one in desired.roles):
        raise GantryError(
            f"The role {role.name!r} is to be absent, and a permission is to have it. Correct one of them."
        )
    if role.system and role.name in _NOT_GRANTABLE:
        raise GantryError(
            f"The system role {role.name} cannot be given to accounts. Use Read-only or a role of your own."
        )
    return role


def _refuse_system(role: RoleState, action: str) -> None:
    if role.system:
        raise GantryError(f"{role.name} is a system role of vCenter, which cannot be {action}. Use another name.")


def _refuse_unknown(desired: DesiredAccess, observed: ObservedAccess) -> None:
    """Refuse privileges and accounts that vCenter does not know."""
    for role in desired.roles:
        for name in sorted(role.privileges - observed.privileges):
            raise GantryError(
                f"{name!r}, listed for the role {role.name!r}, is not a privilege of this vCenter."
                f"{_close(name, observed.privileges)} Correct the name, which is the one of the API, such as "
                "VirtualMachine.Interact.PowerOn."
            )
    for permission in desired.permissions:
        if permission.role is not None and permission.holder not in observed.spellings:
            kind, other = ("group", "false") if permission.group else ("user", "true")
            raise GantryError(
                f"vCenter's user directory has no {kind} {permission.principal!r}. Write it with its domain, as "
                f"VSPHERE.LOCAL\\name, and set group: {other} if it is not a {kind}."
            )


def _close(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(one) for one in close)}?" if close else ""

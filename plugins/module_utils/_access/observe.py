# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read roles, permissions and accounts: a few bulk reads, and one search for each account without permissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.decode import decode_permissions, decode_roles
from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    DesiredAccess,
    DesiredPermission,
    Holder,
    ObservedAccess,
    holder,
    path_of,
    split_principal,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.resolve import resolve_objects
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_access(session: Session, desired: DesiredAccess) -> ObservedAccess:
    """Return all roles and permissions, and what decides whether they can be as desired."""
    inventory = session.inventory()
    objects = resolve_objects(inventory, desired)
    manager = session.content.authorizationManager
    wanted = {"AuthorizationManager": ["roleList", "privilegeList"], "SessionManager": ["currentSession"]}
    rows = session.read([manager, session.content.sessionManager], wanted)
    values = {name: value for row in rows for name, value in row.items()}
    roles = decode_roles(values["roleList"])
    permissions = decode_permissions(manager.RetrieveAllPermissions(), roles)
    entries = _with_parents(
        inventory,
        {
            *(moid for moid, _holder in permissions),
            *(moid for entry in objects for moid in (entry.moid, entry.parent or "")),
        },
    )
    spellings = {account: one.principal for (_moid, account), one in permissions.items()}
    for one in desired.permissions:
        found = None if one.role is None or one.holder in spellings else _spelling(session, one)
        if found is not None:
            spellings[one.holder] = found
    return ObservedAccess(
        roles=roles,
        permissions=permissions,
        objects=objects,
        paths={entry.moid: path_of(entry) for entry in (*entries, *objects)},
        parents={entry.moid: entry.parent for entry in (*entries, *objects)},
        privileges=frozenset(one.privId for one in values["privilegeList"]),
        accounts=_accounts(session, values["currentSession"].userName),
        spellings=spellings,
    )


def _with_parents(inventory: Inventory, moids: set[str]) -> list[Entry]:
    """Return the objects and all above them, as far as the inventory has them."""
    found: dict[str, Entry] = {}
    for moid in moids:
        entry = inventory.entry(moid)
        while entry is not None and entry.moid not in found:
            found[entry.moid] = entry
            entry = inventory.entry(entry.parent or "")
    return list(found.values())


def _spelling(session: Session, permission: DesiredPermission) -> str | None:
    """Return how the user directory writes the account; None if it does not have it."""
    (domain, name), group = split_principal(permission.principal), permission.group
    found = _search(session, domain, searchStr=name, exactMatch=True, findUsers=not group, findGroups=group)
    same = (one.principal for one in found if holder(one.principal, group) == permission.holder)
    return next(same, permission.principal) if found else None


def _accounts(session: Session, user: str) -> frozenset[Holder]:
    """Return the user of this session, and the groups of the user's domain that the user is in."""
    domain, _name = split_principal(user)
    groups = _search(
        session, domain, searchStr="", belongsToUser=user, exactMatch=False, findUsers=False, findGroups=True
    )
    return frozenset({holder(user, False), *(holder(group.principal, True) for group in groups)})


def _search(session: Session, domain: str, **query: Any) -> Sequence[Any]:
    """Search the user directory; a domain or an account that it does not know has nothing."""
    try:
        found: Sequence[Any] = session.content.userDirectory.RetrieveUserGroups(domain=domain or None, **query)
    except FaultError as error:
        if error.kind != "NotFound":
            raise
        return ()
    return found

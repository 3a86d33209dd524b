# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out what this user may do, before anything is changed: by the effective roles of objects."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The property of an object with the roles that this user has on it.
EFFECTIVE_ROLE = "effectiveRole"
# The role of administrators, which has all privileges.
_ADMIN = -1


def roles_with(session: Session, privilege: str, roles: Collection[int]) -> frozenset[int] | None:
    """Return the roles with a privilege; None if all of these have it, for which nothing is read."""
    if not set(roles) - {_ADMIN}:
        return None
    (row,) = session.read([session.content.authorizationManager], ["roleList"])
    return frozenset(int(role.roleId) for role in row["roleList"] if privilege in role.privilege)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuse changes by which the user of this session could not change permissions any more. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    MODIFY_PERMISSIONS,
    ObservedAccess,
    Permission,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed


def refuse_lockout(before: ObservedAccess, after: ObservedAccess) -> None:
    """Refuse if the user could change permissions on an object before, and could not afterwards."""
    moids = {moid for moid, _holder in (*before.permissions, *after.permissions)}
    lost = sorted(before.paths.get(moid, moid) for moid in moids if _may(before, moid) and not _may(after, moid))
    if lost:
        raise GantryError(
            f"The user of this session would lose the privilege {MODIFY_PERMISSIONS} on {listed(lost)}, and could not "
            "undo this change. Run the task as another administrator, or keep a role with the privilege there."
        )


def _may(observed: ObservedAccess, moid: str) -> bool:
    """Return whether the user may change the permissions of an object.

    As in vCenter the nearest object with a permission for the user or a group of the user decides; there, a permission
    of the user has precedence over those of groups, which add up.
    """
    nearest: str | None = moid
    while nearest is not None:
        found = [one for one in _own(observed, nearest) if nearest == moid or one.propagate]
        if found:
            deciding = [one for one in found if not one.group] or found
            return any(
                MODIFY_PERMISSIONS in observed.roles[one.role].privileges
                for one in deciding
                if one.role in observed.roles
            )
        nearest = observed.parents.get(nearest)
    return False


def _own(observed: ObservedAccess, moid: str) -> list[Permission]:
    """Return the permissions on this object that the user or a group of the user has."""
    return [one for account in observed.accounts if (one := observed.permissions.get((moid, account))) is not None]

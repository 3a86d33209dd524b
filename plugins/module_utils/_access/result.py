# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What access returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    DesiredAccess,
    ObservedAccess,
    path_of,
)


def access_result(desired: DesiredAccess, observed: ObservedAccess) -> dict[str, Any]:
    """Return the roles and permissions of the task that exist."""
    roles = [observed.role(role.name) for role in desired.roles]
    permissions = [
        (entry, observed.permissions.get((entry.moid, permission.holder)))
        for permission, entry in zip(desired.permissions, observed.objects, strict=True)
    ]
    return {
        "roles": [{"name": role.name, "privileges": sorted(role.privileges)} for role in roles if role is not None],
        "permissions": [
            {
                "object": path_of(entry),
                "principal": one.principal,
                "group": one.group,
                "role": one.role,
                "propagate": one.propagate,
            }
            for entry, one in permissions
            if one is not None
        ],
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API objects of the AuthorizationManager to the model. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    ALWAYS,
    Permission,
    PermissionKey,
    RoleState,
    holder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of


def decode_roles(role_list: Iterable[Any]) -> dict[str, RoleState]:
    """Return the roles by their names."""
    return {
        role.name: RoleState(
            id=role.roleId,
            name=role.name,
            privileges=frozenset(role.privilege) - ALWAYS,
            label=role.info.label if role.info else "",
            system=bool(role.system),
        )
        for role in role_list
    }


def decode_permissions(permissions: Iterable[Any], roles: Mapping[str, RoleState]) -> dict[PermissionKey, Permission]:
    """Return the permissions by their objects and holders."""
    names = {role.id: role.name for role in roles.values()}
    return {
        (moid_of(one.entity), holder(one.principal, one.group)): Permission(
            one.principal, one.group, names.get(one.roleId, f"role {one.roleId}"), one.propagate
        )
        for one in permissions
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of access to the desired roles and permissions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    ALWAYS,
    DesiredAccess,
    DesiredPermission,
    DesiredRole,
    ObjectName,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._access.presets import preset_privileges
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_PRESENT = "present"


def desire_access(params: Mapping[str, Any]) -> DesiredAccess:
    """Return what a task describes."""
    roles = tuple(_role(role) for role in params["roles"])
    permissions = tuple(_permission(one, params["datacenter"]) for one in params["permissions"])
    if not roles and not permissions:
        raise GantryError("There are neither roles nor permissions in this task. Give at least one of them.")
    _refuse_twice(roles)
    return DesiredAccess(roles, permissions, tuple(params["assume_created"]))


def _role(params: Mapping[str, Any]) -> DesiredRole:
    name, preset, privileges = params["name"], params["preset"], params["privileges"]
    present = params["state"] == _PRESENT
    if present and preset is None and privileges is None:
        raise GantryError(
            f"The role {name!r} has neither preset nor privileges. Give at least one of them. A role that can only "
            "read has preset: viewer."
        )
    chosen = frozenset(privileges or ()) | (preset_privileges(preset) if preset else frozenset())
    return DesiredRole(name, present, chosen - ALWAYS)


def _permission(params: Mapping[str, Any], datacenter: str | None) -> DesiredPermission:
    kind, name = params["object_type"], params["object"]
    if kind == "root" and name is not None:
        raise GantryError(
            f"object is {name!r}, but object_type is root, which is only one object. Leave out one of them."
        )
    if kind not in ("root", "datacenter", "cluster", "datastore") and name is None:
        raise GantryError(f"object_type {kind} requires object. Give its name, inventory path or MoID.")
    return DesiredPermission(
        object=ObjectName(kind, name, params["cluster"], params["datacenter"] or datacenter),
        principal=params["principal"],
        group=params["group"],
        role=params["role"] if params["state"] == _PRESENT else None,
        propagate=params["propagate"],
    )


def _refuse_twice(roles: tuple[DesiredRole, ...]) -> None:
    names = [role.name for role in roles]
    for name in names:
        if names.count(name) > 1:
            raise GantryError(f"The role {name!r} is listed {names.count(name)} times. List each role once.")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for roles and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._access.model import (
    ObservedAccess,
    Permission,
    PermissionKey,
    RoleState,
    holder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested

_ROLES, _PERMISSIONS = "roles", "permissions"


@dataclass(frozen=True)
class MakeRole(Creation):
    """Create a role."""

    name: str
    privileges: frozenset[str]

    def describe(self) -> str:
        return f"create role {self.name}"

    def after(self) -> Mapping[str, Any]:
        return nested(_ROLES, self.name, value={"privileges": sorted(self.privileges)})

    def project(self, observed: ObservedAccess) -> ObservedAccess:
        role = RoleState(None, self.name, self.privileges)
        return replace(observed, roles={**observed.roles, self.name: role})


@dataclass(frozen=True)
class ChangeRole:
    """Give a role other privileges."""

    id: int
    name: str
    old: frozenset[str]
    new: frozenset[str]

    def describe(self) -> str:
        parts = [f"add {name}" for name in sorted(self.new - self.old)]
        parts += [f"remove {name}" for name in sorted(self.old - self.new)]
        return f"change role {self.name}: {', '.join(parts)}"

    def before(self) -> Mapping[str, Any]:
        return nested(_ROLES, self.name, value={"privileges": sorted(self.old)})

    def after(self) -> Mapping[str, Any]:
        return nested(_ROLES, self.name, value={"privileges": sorted(self.new)})

    def project(self, observed: ObservedAccess) -> ObservedAccess:
        role = replace(observed.roles[self.name], privileges=self.new)
        return replace(observed, roles={**observed.roles, self.name: role})


@dataclass(frozen=True)
class RemoveRole(Removal):
    """Remove a role that no permission has."""

    id: int
    name: str
    privileges: frozenset[str]

    def describe(self) -> str:
        return f"remove role {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(_ROLES, self.name, value={"privileges": sorted(self.privileges)})

    def project(self, observed: ObservedAccess) -> ObservedAccess:
        return replace(observed, roles={name: role for name, role in observed.roles.items() if name != self.name})


@dataclass(frozen=True)
class SetPermission:
    """Give an account a role on an object, instead of ``old`` if there is one."""

    moid: str
    path: str
    old: Permission | None
    new: Permission

    @property
    def key(self) -> PermissionKey:
        return self.moid, holder(self.new.principal, self.new.group)

    def describe(self) -> str:
        reach = "and below" if self.new.propagate else "only"
        return f"give {self.new.principal} role {self.new.role} on {self.path} {reach}"

    def before(self) -> Mapping[str, Any]:
        return {} if self.old is None else _view(self.path, self.new.principal, self.old)

    def after(self) -> Mapping[str, Any]:
        return _view(self.path, self.new.principal, self.new)

    def project(self, observed: ObservedAccess) -> ObservedAccess:
        return replace(observed, permissions={**observed.permissions, self.key: self.new})


@dataclass(frozen=True)
class RemovePermission(Removal):
    """Take the permission of an account on an object away."""

    moid: str
    path: str
    old: Permission

    @property
    def key(self) -> PermissionKey:
        return self.moid, holder(self.old.principal, self.old.group)

    def describe(self) -> str:
        return f"take role {self.old.role} on {self.path} from {self.old.principal}"

    def before(self) -> Mapping[str, Any]:
        return _view(self.path, self.old.principal, self.old)

    def project(self, observed: ObservedAccess) -> ObservedAccess:
        return replace(observed, permissions={key: one for key, one in observed.permissions.items() if key != self.key})


AccessChange: TypeAlias = "MakeRole | ChangeRole | RemoveRole | SetPermission | RemovePermission"


def _view(path: str, principal: str, permission: Permission) -> Mapping[str, Any]:
    value = {"role": permission.role, "group": permission.group, "propagate": permission.propagate}
    return nested(_PERMISSIONS, path, principal, value=value)

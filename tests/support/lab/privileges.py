# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users with limited privileges: each is removed again, with the roles that were made for the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from tests.support.lab.control import Control

READ_ONLY = -2
PASSWORD = "a tenant's secret"


@contextmanager
def limited_user(
    lab: Mapping[str, Any], content: Any, name: str, *, groups: Sequence[str] = ()
) -> Iterator[LimitedUser]:
    """Yield a user without permissions. ``content`` is the service content of an administrator's session."""
    control = Control(lab["control"])
    control.add_user(name, PASSWORD, groups)
    user = LimitedUser(name, content.authorizationManager)
    try:
        yield user
    finally:
        control.remove_user(name)
        user.remove_roles()


class LimitedUser:
    """A user to whom roles are given on objects."""

    def __init__(self, name: str, manager: Any) -> None:
        self.name = name
        self.environment = {"VMWARE_USER": name, "VMWARE_PASSWORD": PASSWORD}
        self._manager = manager
        self._roles: list[int] = []

    def add_role(self, name: str, privileges: Sequence[str]) -> int:
        """Return the id of a new role with the privileges."""
        role: int = self._manager.AddAuthorizationRole(name=name, privIds=list(privileges))
        self._roles.append(role)
        return role

    def give(self, role: int, *objects: Any, propagate: bool = True) -> None:
        """Assign the role on each object, instead of the role that the user has there."""
        permission = vim.AuthorizationManager.Permission(
            principal=self.name, group=False, roleId=role, propagate=propagate
        )
        for one in objects:
            self._manager.SetEntityPermissions(entity=one, permission=[permission])

    def remove_roles(self) -> None:
        for role in self._roles:
            self._manager.RemoveAuthorizationRole(roleId=role, failIfUsed=False)
        self._roles.clear()

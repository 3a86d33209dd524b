# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and permissions as desired and as observed. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

OBJECT_TYPES = ("root", "datacenter", "folder", "resource_pool", "cluster", "host", "datastore", "network")
# vCenter adds these to every role.
ALWAYS = frozenset({"System.Anonymous", "System.Read", "System.View"})
MODIFY_PERMISSIONS = "Authorization.ModifyPermissions"

# Whose permission: the account in the form in which accounts are compared, and whether it is a group.
Holder = tuple[str, bool]
# Which permission: the MoID of its object, and its holder. vCenter has one for each.
PermissionKey = tuple[str, Holder]


@dataclass(frozen=True)
class DesiredRole:
    """``privileges`` are without those that every role has."""

    name: str
    present: bool
    privileges: frozenset[str]


@dataclass(frozen=True)
class ObjectName:
    """Which object of the inventory is meant: what the options say."""

    type: str
    name: str | None
    cluster: str | None
    datacenter: str | None


@dataclass(frozen=True)
class DesiredPermission:
    """``role`` is None for one that is to be absent."""

    object: ObjectName
    principal: str
    group: bool
    role: str | None
    propagate: bool

    @property
    def holder(self) -> Holder:
        return holder(self.principal, self.group)


@dataclass(frozen=True)
class DesiredAccess:
    """``assume_created`` are folders, resource pools and networks that tasks before this one create."""

    roles: tuple[DesiredRole, ...]
    permissions: tuple[DesiredPermission, ...]
    assume_created: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoleState:
    """A role; one that this task creates has no id yet. ``label`` is how the vSphere Client calls it."""

    id: int | None
    name: str
    privileges: frozenset[str]
    label: str = ""
    system: bool = False

    @property
    def existing_id(self) -> int:
        """Return the id of a role that exists."""
        if self.id is None:
            raise ValueError(f"the role {self.name} does not exist yet")
        return self.id


@dataclass(frozen=True)
class Permission:
    """``role`` is the name of the role, ``principal`` the account as vCenter writes it."""

    principal: str
    group: bool
    role: str
    propagate: bool


@dataclass(frozen=True)
class ObservedAccess:
    """``objects`` are those of the desired permissions, in their order.

    ``accounts`` are this session's user and the user's groups. ``spellings`` are how vCenter writes the accounts that
    have permissions, and those of desired permissions that its user directory has.
    """

    roles: Mapping[str, RoleState]
    permissions: Mapping[PermissionKey, Permission]
    objects: tuple[Entry, ...]
    paths: Mapping[str, str]
    parents: Mapping[str, str | None]
    privileges: frozenset[str]
    accounts: frozenset[Holder]
    spellings: Mapping[Holder, str]

    def role(self, name: str) -> RoleState | None:
        """Return the role with this name, or else the one that the vSphere Client calls so."""
        labeled = (role for role in self.roles.values() if role.label == name)
        return self.roles.get(name) or next(labeled, None)


def path_of(entry: Entry) -> str:
    """Return how messages call an object; the root folder has an empty path."""
    return entry.path or "the root folder"


def holder(principal: str, group: bool) -> Holder:
    """Return the account of a principal: ann@vsphere.local is the same one as VSPHERE.LOCAL\\Ann."""
    domain, name = split_principal(principal)
    return (f"{domain}\\{name}" if domain else name).casefold(), group


def split_principal(principal: str) -> tuple[str, str]:
    """Return the domain and the name; the domain is empty if none is given."""
    domain, separator, name = principal.partition("\\")
    if separator:
        return domain, name
    name, _at, domain = principal.rpartition("@")
    return (domain, name) if name else ("", principal)

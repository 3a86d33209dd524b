# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks for, before and after the names in it were looked up. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selecting import VmSelector

ADD = "add"
REMOVE = "remove"
EXACT = "exact"
MEMBERS_MODES = (ADD, REMOVE, EXACT)


@dataclass(frozen=True)
class WantedGroup:
    """``option`` is what the user calls its members in the task, for messages."""

    name: str
    present: bool
    type: str | None = None
    vms: tuple[VmSelector, ...] = ()
    hosts: tuple[str, ...] = ()
    mode: str = ADD
    option: str = "members"


@dataclass(frozen=True)
class WantedRule:
    """None is what the task does not say: it stays as it is."""

    name: str
    present: bool
    type: str | None = None
    enabled: bool | None = None
    mandatory: bool | None = None
    vms: tuple[VmSelector, ...] | None = None
    vm_group: str | None = None
    host_group: str | None = None
    depends_on: str | None = None
    option: str = "vms"


@dataclass(frozen=True)
class WantedOverride:
    """``level`` None: there is to be no override."""

    vms: tuple[VmSelector, ...]
    level: str | None
    option: str = "vms"


@dataclass(frozen=True)
class Ruleset:
    """All that a task asks of one cluster."""

    cluster: str | None
    datacenter: str | None
    groups: tuple[WantedGroup, ...] = ()
    rules: tuple[WantedRule, ...] = ()
    overrides: tuple[WantedOverride, ...] = ()
    # Groups and rules whose names begin so go unless they are asked for.
    purge_prefix: str | None = None


@dataclass(frozen=True)
class GroupTarget:
    name: str
    present: bool
    type: str | None = None
    members: frozenset[str] = frozenset()
    mode: str = ADD


@dataclass(frozen=True)
class RuleTarget:
    name: str
    present: bool
    type: str | None = None
    enabled: bool | None = None
    mandatory: bool | None = None
    vms: frozenset[str] | None = None
    vm_group: str | None = None
    host_group: str | None = None
    depends_on: str | None = None


@dataclass(frozen=True)
class Target:
    """A ruleset with MoIDs for names. ``overrides``: by VM, None for no override."""

    groups: tuple[GroupTarget, ...] = ()
    rules: tuple[RuleTarget, ...] = ()
    overrides: dict[str, str | None] = field(default_factory=dict)
    purge_prefix: str | None = None

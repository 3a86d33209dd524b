# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for a port group. ``where`` is the path of a distributed switch or of a host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    EPHEMERAL,
    PORTS,
    ObservedPortGroup,
    PortGroupPlace,
    PortGroupState,
    PortValues,
    nested_values,
)

_GROUPS, _SWITCHES = "port_groups", "switches"


@dataclass(frozen=True)
class SetSwitchMtu:
    """Change the MTU of the switch, which is that of all of its port groups."""

    where: str
    switch: str
    old: int
    new: int

    def describe(self) -> str:
        return f"set the MTU of {self.switch} on {self.where}: {self.new}"

    def before(self) -> Mapping[str, Any]:
        return nested(_SWITCHES, self.where, self.switch, value={"mtu": self.old})

    def after(self) -> Mapping[str, Any]:
        return nested(_SWITCHES, self.where, self.switch, value={"mtu": self.new})

    def project(self, observed: ObservedPortGroup) -> ObservedPortGroup:
        return _with(observed, self.where, mtu=self.new)


@dataclass(frozen=True)
class MakePortGroup(Creation):
    """Create the port group. ``given`` are the values that the task gives, ``values`` all that it then has."""

    where: str
    name: str
    given: PortValues
    values: PortValues

    def describe(self) -> str:
        return f"create {self.name} on {self.where}"

    def after(self) -> Mapping[str, Any]:
        return nested(_GROUPS, self.name, self.where, value=nested_values(self.values))

    def project(self, observed: ObservedPortGroup) -> ObservedPortGroup:
        return _with(observed, self.where, group=PortGroupState(self.values, observed.switch))


@dataclass(frozen=True)
class ChangePortGroup:
    """Change one value of the port group."""

    where: str
    name: str
    option: str
    old: Any
    new: Any

    def describe(self) -> str:
        value = str(self.new).lower() if isinstance(self.new, bool) else self.new
        return f"set {self.option} of {self.name} on {self.where}: {value}"

    def before(self) -> Mapping[str, Any]:
        return nested(_GROUPS, self.name, self.where, value=nested_values({self.option: self.old}))

    def after(self) -> Mapping[str, Any]:
        return nested(_GROUPS, self.name, self.where, value=nested_values({self.option: self.new}))

    def project(self, observed: ObservedPortGroup) -> ObservedPortGroup:
        (group,) = [place.group for place in observed.places if place.path == self.where]
        if group is None:
            raise ValueError(f"{self.name} on {self.where} is changed before it is created")
        values = {**group.values, self.option: self.new}
        if self.new == EPHEMERAL:
            values.pop(PORTS, None)
        return _with(observed, self.where, group=replace(group, values=values))


@dataclass(frozen=True)
class RemovePortGroup(Removal):
    """Remove a port group that nothing is connected to."""

    where: str
    name: str
    values: PortValues

    def describe(self) -> str:
        return f"remove {self.name} from {self.where}"

    def before(self) -> Mapping[str, Any]:
        return nested(_GROUPS, self.name, self.where, value=nested_values(self.values))

    def project(self, observed: ObservedPortGroup) -> ObservedPortGroup:
        return _with(observed, self.where, group=None)


PortGroupChange: TypeAlias = "SetSwitchMtu | MakePortGroup | ChangePortGroup | RemovePortGroup"


def _with(observed: ObservedPortGroup, where: str, **fields: Any) -> ObservedPortGroup:
    """Return the observed state with other fields of one place."""
    places: tuple[PortGroupPlace, ...] = tuple(
        replace(place, **fields) if place.path == where else place for place in observed.places
    )
    return replace(observed, places=places)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed port group. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.changes import (
    ChangePortGroup,
    MakePortGroup,
    PortGroupChange,
    RemovePortGroup,
    SetSwitchMtu,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ALLOCATION,
    EPHEMERAL,
    PORTS,
    DesiredPortGroup,
    ObservedPortGroup,
    PortGroupPlace,
    PortValues,
    refuse_users,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import without_removed


def plan_port_group(desired: DesiredPortGroup, observed: ObservedPortGroup) -> Plan[PortGroupChange]:
    """Return what makes the port group as desired on all of its hosts; refuse what vCenter would refuse."""
    _refuse_managed(observed)
    if not desired.present:
        return Plan(_removals(desired, observed))
    _refuse_places(observed)
    changes: list[PortGroupChange] = []
    for place in observed.places:
        changes += _mtu_change(desired, observed, place)
        changes += _group_changes(desired, observed, place)
    # The switches first, so that the port group never has less than it needs.
    return Plan(tuple(sorted(changes, key=lambda change: not isinstance(change, SetSwitchMtu))))


def _removals(desired: DesiredPortGroup, observed: ObservedPortGroup) -> tuple[RemovePortGroup, ...]:
    if observed.exists:
        refuse_users(observed.name, without_removed(observed.users, desired.assume_removed))
    return tuple(
        RemovePortGroup(place.path, observed.name, place.group.values)
        for place in observed.places
        if place.group is not None
    )


def _refuse_managed(observed: ObservedPortGroup) -> None:
    for place in observed.places:
        if place.group is not None and place.group.managed_by is not None:
            raise GantryError(
                f"The port group {observed.name} belongs to {place.group.managed_by} and cannot be managed here. Give "
                "the name of another port group."
            )


def _refuse_places(observed: ObservedPortGroup) -> None:
    """Refuse a name that something else has, and hosts that do not have the switch or have the group on another one."""
    name, switch = observed.name, observed.switch
    if observed.taken_by is not None:
        raise GantryError(
            f"The port group {name} cannot be created because {observed.taken_by} has its name, and the names of "
            "networks are unique. Choose another name, or correct switch and type."
        )
    lacking = [place for place in observed.places if place.mtu is None]
    if lacking:
        there = sorted({one for place in lacking for one in place.switches})
        raise GantryError(
            f"The hosts {listed(place.path for place in lacking)} have no virtual switch {switch!r}. "
            f"They have: {listed(there) or 'none'}. Correct switch, add it to these hosts, or leave them out."
        )
    for place in observed.places:
        if place.group is not None and place.group.switch != switch:
            raise GantryError(
                f"The host {place.path} has the port group {name} on the virtual switch {place.group.switch!r}, and it "
                f"cannot be moved to {switch!r}. Remove it there first, or correct switch."
            )


def _mtu_change(
    desired: DesiredPortGroup, observed: ObservedPortGroup, place: PortGroupPlace
) -> Iterator[PortGroupChange]:
    if desired.mtu is not None and place.mtu is not None and desired.mtu != place.mtu:
        yield SetSwitchMtu(place.path, observed.switch, place.mtu, desired.mtu)


def _group_changes(
    desired: DesiredPortGroup, observed: ObservedPortGroup, place: PortGroupPlace
) -> Iterator[PortGroupChange]:
    current = place.defaults if place.group is None else place.group.values
    target = _target(place.defaults, current, desired.values)
    if place.group is None:
        yield MakePortGroup(place.path, observed.name, desired.values, target)
        return
    for option, value in target.items():
        if current.get(option) != value:
            yield ChangePortGroup(place.path, observed.name, option, current.get(option), value)


def _target(defaults: PortValues, current: PortValues, given: PortValues) -> PortValues:
    """Return the values that the port group is to have; the ports of an ephemeral one come and go with VMs."""
    target = {**current, **given}
    if target.get(ALLOCATION) != EPHEMERAL:
        # One that was ephemeral has no number of ports yet.
        if PORTS in defaults:
            target.setdefault(PORTS, defaults[PORTS])
        return target
    if PORTS in given:
        raise GantryError(
            "ports is given, but the port group has port_allocation ephemeral and creates ports as needed. Leave "
            "out ports, or give another port_allocation."
        )
    target.pop(PORTS, None)
    return target

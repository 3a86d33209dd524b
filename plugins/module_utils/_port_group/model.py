# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Port groups as desired and as observed. Pure data.

The values of a port group are a mapping by the names of the options: ``vlan`` is a number, or the ranges of a trunk as
text such as "10-20,30"; the flags of ``security`` have their own names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed

VLAN = "vlan"
SECURITY = ("promiscuous", "mac_changes", "forged_transmits")
ALLOCATION, PORTS = "port_allocation", "ports"
EPHEMERAL = "ephemeral"
HIGHEST_VLAN = 4094
ALL_VLANS = f"0-{HIGHEST_VLAN}"
LOWEST_MTU, HIGHEST_MTU = 1280, 9000

PortValues: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class DesiredPortGroup:
    """A port group with the values that the task gives. Without ``hosts``, a standard one is for all of the cluster."""

    name: str
    switch: str
    distributed: bool
    hosts: tuple[str, ...] | None
    cluster: str | None
    datacenter: str | None
    present: bool
    values: PortValues
    mtu: int | None
    # Names of VMs that tasks before this one remove.
    assume_removed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PortGroupState:
    """A port group that exists. ``managed_by`` is what it belongs to, if users must not change it."""

    values: PortValues
    switch: str
    managed_by: str | None = None


@dataclass(frozen=True)
class PortGroupPlace:
    """Where a port group is or can be: on a distributed switch, or on the virtual switch of one host.

    ``path`` is that of the distributed switch or of the host, and ``moid`` of the object that is called to change it.
    ``mtu`` is None if the switch does not exist, and ``switches`` are those that there are instead. ``defaults`` are
    the values of a new port group.
    """

    path: str
    moid: str
    mtu: int | None
    defaults: PortValues
    group: PortGroupState | None = None
    switches: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObservedPortGroup:
    """``moid`` is that of the network, ``taken_by`` another object with its name, and ``users`` are what is on it."""

    name: str
    switch: str
    distributed: bool
    places: tuple[PortGroupPlace, ...]
    moid: str | None = None
    taken_by: str | None = None
    users: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return any(place.group is not None for place in self.places)


def nested_values(values: PortValues) -> dict[str, Any]:
    """Return the values as the options are nested."""
    return {
        **{key: value for key, value in values.items() if key not in SECURITY},
        **({"security": found} if (found := {key: values[key] for key in SECURITY if key in values}) else {}),
    }


def refuse_users(name: str, users: Sequence[str]) -> None:
    """Refuse to remove a port group that something is connected to."""
    if users:
        raise GantryError(
            f"The port group {name} is not removed because it is in use by {listed(users)}. Connect them to another "
            "network or remove them first.",
            details={"users": list(users)},
        )


def ranges_text(ranges: Sequence[Sequence[int]]) -> str:
    """Return ranges as text, such as 10-20,30."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)

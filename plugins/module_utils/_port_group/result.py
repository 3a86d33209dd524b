# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What port_group returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ObservedPortGroup,
    PortGroupPlace,
    nested_values,
)


def port_group_result(observed: ObservedPortGroup) -> dict[str, Any]:
    """Return the task's own part of the result."""
    if not observed.exists:
        return {"port_group": None}
    group: dict[str, Any] = {
        "name": observed.name,
        "moid": observed.moid,
        "type": "distributed" if observed.distributed else "standard",
    }
    if observed.distributed:
        (place,) = observed.places
        return {"port_group": {**group, "switch": place.path, **_shown(place)}}
    hosts = {place.path: _shown(place) for place in observed.places if place.group is not None}
    return {"port_group": {**group, "switch": observed.switch, "hosts": hosts}}


def _shown(place: PortGroupPlace) -> dict[str, Any]:
    return {**nested_values({} if place.group is None else place.group.values), "mtu": place.mtu}

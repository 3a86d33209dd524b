# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the records of the names of containers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamedContainer,
    NetworkNames,
    first_ipv4,
    with_named_address,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

_NAMES_PATH, _TABLE_PATH, _KIND_PATH = map(keys.option_path, (keys.NAMES, keys.NAMES_TABLE, keys.KIND))
# What is read of the VMs in a folder.
NAMED_PATHS = (_NAMES_PATH, _TABLE_PATH, _KIND_PATH, "guest.net", "network", "runtime.powerState", "effectiveRole")


def decode_names(text: str | None) -> tuple[NetworkNames, ...]:
    """Return the names of a record. A damaged one, which anyone may have edited, has none."""
    try:
        found = json.loads(text or "[]")
        return tuple(
            NetworkNames(int(one["adapter"]), str(one["network"]), tuple(map(str, one["names"])), one["address"])
            for one in found
        )
    except (ValueError, TypeError, KeyError):
        return ()


def decode_named(
    name: str, folder: str, moid: str, row: Mapping[str, Any], writing_roles: frozenset[int] | None
) -> NamedContainer | None:
    """Decode one VM of a folder; None if it is not a container with names. ``writing_roles``: None stands for all."""
    networks = decode_names(keys.option(row, keys.NAMES))
    if keys.option(row, keys.KIND) != keys.KIND_CONTAINER or not networks:
        return None
    connected = {moid_of(network) for network in row.get("network") or ()}
    power = str(row.get("runtime.powerState"))
    nics = sorted(row.get("guest.net") or (), key=lambda nic: int(nic.deviceConfigId))
    networks = tuple(one for one in networks if one.network in connected)
    for one in networks:
        if one.address is None and one.adapter < len(nics):
            networks = with_named_address(
                networks, one.adapter, first_ipv4(map(str, nics[one.adapter].ipAddress or ()))
            )
    roles = {int(role) for role in row.get("effectiveRole") or ()}
    return NamedContainer(
        moid=moid,
        name=name,
        folder=folder,
        running=power == "poweredOn",
        networks=networks,
        table=keys.option(row, keys.NAMES_TABLE),
        writable=power != "suspended" and (writing_roles is None or not roles.isdisjoint(writing_roles)),
    )

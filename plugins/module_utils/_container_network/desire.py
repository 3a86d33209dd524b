# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of a task to the desired network. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.desire_pool import desire_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    NetworkQuery,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.desire import desire_port_group


def desire_network(params: Mapping[str, Any]) -> DesiredNetwork:
    """Return the port group and the pools that a task describes."""
    port_group = desire_port_group(params)
    if not port_group.present:
        return DesiredNetwork(port_group)
    return DesiredNetwork(
        port_group,
        ipv4=desire_pool(port_group.name, params["ipv4"], IPV4),
        ipv6=desire_pool(port_group.name, params["ipv6"], IPV6),
    )


def desire_networks(params: Mapping[str, Any]) -> NetworkQuery:
    """Return the networks that a task asks for."""
    names = params["name"]
    return NetworkQuery(None if names is None else tuple(names), params["datacenter"])

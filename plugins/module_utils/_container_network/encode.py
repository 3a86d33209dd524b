# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode an address pool as vCenter's IpPool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def encode_pool(pool: AddressPool, networks: Iterable[Any]) -> Any:
    """Return a profile that allocates the pool's addresses on these networks. What is not IPv4 is left as it is."""
    if pool.subnet is None:
        raise ValueError(f"the pool {pool.name} has no subnet")
    spec = vim.vApp.IpPool(
        ipv4Config=vim.vApp.IpPool.IpPoolConfigInfo(
            subnetAddress=str(pool.subnet.network_address),
            netmask=str(pool.subnet.netmask),
            gateway=pool.gateway or "",
            range=",".join(f"{one.first}#{len(one)}" for one in pool.ranges),
            # An empty list would leave the servers as they are.
            dns=list(pool.dns_servers) or [""],
            dhcpServerAvailable=bool(pool.dhcp_server),
            ipPoolEnabled=True,
        ),
        networkAssociation=[vim.vApp.IpPool.Association(network=network, networkName="") for network in networks],
    )
    if pool.id is None:
        spec.name = encode_name(pool.name)
    else:
        spec.id = pool.id
    return spec

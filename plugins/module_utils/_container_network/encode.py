# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode address pools as vCenter's IpPool."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool, NetworkProfile
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def encode_profile(profile: NetworkProfile, networks: Iterable[Any]) -> Any:
    """Return a profile that allocates the pools' addresses on these networks. A pool that it lacks is left as it is."""
    spec = vim.vApp.IpPool(
        networkAssociation=[vim.vApp.IpPool.Association(network=network, networkName="") for network in networks],
    )
    if profile.ipv4 is not None:
        spec.ipv4Config = _config(profile.ipv4)
    if profile.ipv6 is not None:
        spec.ipv6Config = _config(profile.ipv6)
    if profile.id is None:
        spec.name = encode_name(profile.name)
    else:
        spec.id = profile.id
    return spec


def _config(pool: AddressPool) -> Any:
    return vim.vApp.IpPool.IpPoolConfigInfo(
        subnetAddress=str(pool.subnet.network_address),
        netmask=str(pool.subnet.netmask),
        gateway=pool.gateway or "",
        range=",".join(f"{one.first}#{one.size}" for one in pool.ranges),
        # An empty list would leave the servers as they are.
        dns=list(pool.dns_servers) or [""],
        dhcpServerAvailable=bool(pool.dhcp_server),
        ipPoolEnabled=True,
    )

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_network_info; the implementation is in module_utils/_container_network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_network_info
short_description: List networks with their address pools, and the VMs that have addresses
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns networks of all kinds with their address pools, the number of free addresses, and the VMs that have
    addresses of the pools, whether they are containers or not.
  - The number of requests depends neither on the number of networks nor on that of VMs.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_network_info
options:
  name:
    description:
      - The networks, by name, inventory path or MoID. By default all networks.
    type: list
    elements: str
    aliases: [names]
  datacenter:
    description:
      - The datacenter that the networks are in, by name or path. By default all datacenters.
    type: str
seealso:
  - module: gantry.vsphere.container_network
  - module: gantry.vsphere.container_vm_info
notes:
  - Only addresses of VMs that the user may see are returned.
"""

EXAMPLES = r"""
- name: Get a network with its addresses
  gantry.vsphere.container_network_info:
    name: shop
  register: result

- name: Check that ten more containers get addresses
  ansible.builtin.assert:
    that: result.networks[0].ipv4.free >= 10
"""

RETURN = r"""
networks:
  description: The networks, by path or in the order of O(name).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: shop
    moid:
      description: Its MoID.
      type: str
      returned: always
      sample: dvportgroup-42
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/network/shop
    type:
      description: Its type, V(distributed), V(standard) or V(opaque).
      type: str
      returned: always
      sample: distributed
    switch:
      description: The inventory path of the distributed switch, or V(null) for other networks.
      type: str
      returned: always
      sample: /DC0/network/DSwitch0
    ipv4:
      description: The pool of IPv4 addresses, or V(null) if the network has none.
      type: dict
      returned: always
      contains:
        subnet:
          description: The subnet.
          type: str
          returned: always
          sample: 10.20.0.0/24
        gateway:
          description: The address of the gateway.
          type: str
          returned: always
          sample: 10.20.0.1
        ip_range:
          description: The ranges that containers get addresses from, without those that are excluded.
          type: list
          elements: str
          returned: always
          sample:
            - 10.20.0.10-10.20.0.254
        dns_servers:
          description: The addresses of the DNS servers.
          type: list
          elements: str
          returned: always
          sample:
            - 10.20.0.2
        size:
          description: The number of addresses in RV(networks[].ipv4.ip_range).
          type: int
          returned: always
          sample: 245
        free:
          description: How many of them no VM has.
          type: int
          returned: always
          sample: 240
    ipv6:
      description: The pool of IPv6 addresses, or V(null) if the network has none.
      type: dict
      returned: always
      contains:
        subnet:
          description: The subnet.
          type: str
          returned: always
          sample: fd00:20::/64
        gateway:
          description: The address of the gateway.
          type: str
          returned: always
          sample: fd00:20::1
        ip_range:
          description: The ranges that containers get addresses from.
          type: list
          elements: str
          returned: always
          sample:
            - fd00:20::1:0-fd00:20::1:ffff
        dns_servers:
          description: The addresses of the DNS servers.
          type: list
          elements: str
          returned: always
          sample:
            - fd00:20::53
        size:
          description: The number of addresses in RV(networks[].ipv6.ip_range).
          type: int
          returned: always
          sample: 65536
        free:
          description: How many of them no VM has.
          type: int
          returned: always
          sample: 65530
    addresses:
      description: The addresses of the pools' subnets that VMs have. Empty without a pool.
      type: list
      elements: dict
      returned: always
      contains:
        address:
          description: The address.
          type: str
          returned: always
          sample: 10.20.0.17
        vm:
          description: The name of the VM.
          type: str
          returned: always
          sample: web
        recorded:
          description:
            - Whether it is in the configuration of a container, which keeps it also while it is off. If not, the guest
              of the VM reports it.
          type: bool
          returned: always
          sample: true
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.operation import ContainerNetworkInfo
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerNetworkInfo())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_network; the implementation is in module_utils/_container_network."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_network
short_description: Manage networks of containers, with address pools
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes or removes a port group as M(gantry.vsphere.port_group) does, and gives it a pool of IPv4
    addresses, a pool of IPv6 addresses, or both.
  - A container on a network with pools gets an address of each pool, unless its task gives one, with the gateway and
    the DNS servers of the pool. It keeps the addresses until its VM is removed.
  - The pools are a network protocol profile of vCenter, so they can be seen and changed in the vSphere Client too.
    Which addresses are in use is in the configuration of the VMs that have them; there is no database.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.port_group
  - gantry.vsphere.vcenter
  - gantry.vsphere.removal
  - gantry.vsphere.privileges.container_network
options:
  ipv4:
    description:
      - The pool of IPv4 addresses. It is given as a whole, so what is left out is not set. Without O(ipv4), a pool that
        the network has stays unchanged.
      - Containers keep their addresses when O(ipv4.ip_range) and O(ipv4.exclude) change. With another O(ipv4.subnet),
        gateway or DNS servers, the next tasks of the containers change their configuration and restart them. So do the
        first tasks after a network with containers gets its first pool.
    type: dict
    suboptions:
      subnet:
        description:
          - The subnet, by its first address with the prefix length, such as V(10.20.0.0/24).
        type: str
        required: true
      gateway:
        description:
          - The address of the gateway. No container gets it.
        type: str
      ip_range:
        description:
          - What containers get addresses from, as addresses, ranges such as V(10.20.0.10-10.20.0.99) or subnets such as
            V(10.20.0.128/25). By default it is the whole subnet, without its first and last address.
          - A task of a container can give any address of the subnet.
        type: list
        elements: str
      exclude:
        description:
          - Addresses, ranges or subnets that no container gets from the pool.
        type: list
        elements: str
      dns_servers:
        description:
          - The addresses of the DNS servers, for containers whose task gives none.
        type: list
        elements: str
  ipv6:
    description:
      - The pool of IPv6 addresses. What is said of O(ipv4) is true of it too.
      - With a pool, containers do not take addresses that routers on the network advertise.
    type: dict
    suboptions:
      subnet:
        description:
          - The subnet, by its first address with the prefix length, such as V(fd00:20::/64).
        type: str
        required: true
      gateway:
        description:
          - The address of the gateway. No container gets it. Without one, containers use a router that advertises
            itself.
        type: str
      ip_range:
        description:
          - What containers get addresses from, as addresses, ranges such as V(fd00:20::10-fd00:20::99) or subnets such
            as V(fd00:20::100/120), with at most 65536 addresses together. By default these are the first ones of the
            subnet, up to V(ffff).
          - A task of a container can give any address of the subnet.
        type: list
        elements: str
      exclude:
        description:
          - Addresses, ranges or subnets that no container gets from the pool.
        type: list
        elements: str
      dns_servers:
        description:
          - The addresses of the DNS servers, for containers whose task gives none.
        type: list
        elements: str
  state:
    description:
      - With V(present), the port group exists with these values, on all of the hosts if it is a standard one, and has
        the pools.
      - With V(absent), neither the port group nor its pools exist. A port group that VMs, templates, or the hosts' own
        adapters are connected to is an error that names them.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gantry.vsphere.container_network_info
  - module: gantry.vsphere.port_group
  - module: gantry.vsphere.container_vm
notes:
  - A profile that several networks share is changed for all of them. With O(state=absent) it is removed with the last
    one.
  - A DHCP server on the network must not give out addresses of the pool.
"""

EXAMPLES = r"""
- name: Create a network for the containers of a shop
  gantry.vsphere.container_network:
    name: shop
    switch: DSwitch0
    vlan: 140
    ipv4:
      subnet: 10.20.0.0/24
      gateway: 10.20.0.1
      exclude:
        - 10.20.0.2-10.20.0.9
      dns_servers:
        - 10.20.0.2
    ipv6:
      subnet: fd00:20::/64
      gateway: fd00:20::1
      ip_range:
        - fd00:20::1:0/112

- name: Run a container with addresses of the network
  gantry.vsphere.container_vm:
    name: web
    image: registry.example.com/web:1.2
    networks:
      - name: shop

- name: Remove the network with its pools
  gantry.vsphere.container_network:
    name: shop
    switch: DSwitch0
    state: absent
"""

RETURN = r"""
network:
  description: The port group with its pools, or V(null) if it does not exist. Values are as the options take them.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: shop
    moid:
      description: The MoID of the network. V(null) in check mode if it does not exist yet.
      type: str
      returned: always
      sample: dvportgroup-42
    type:
      description: Its type.
      type: str
      returned: always
      sample: distributed
    switch:
      description: The inventory path of the distributed switch, or the name of the virtual switch.
      type: str
      returned: always
      sample: /DC0/network/DSwitch0
    vlan:
      description: Its VLAN ID, or the ranges of a trunk as text.
      type: raw
      returned: for distributed port groups
      sample: 140
    security:
      description: What adapters of VMs may do.
      type: dict
      returned: for distributed port groups
      sample:
        promiscuous: false
        mac_changes: false
        forged_transmits: false
    mtu:
      description: The MTU of the switch.
      type: int
      returned: for distributed port groups
      sample: 1500
    port_allocation:
      description: How it provides ports.
      type: str
      returned: for distributed port groups
      sample: elastic
    ports:
      description: The number of its ports.
      type: int
      returned: for distributed port groups that are not ephemeral
      sample: 8
    hosts:
      description: RV(network.vlan), RV(network.security) and RV(network.mtu) by the path of each host.
      type: dict
      returned: for standard port groups
      sample:
        /DC0/host/C0/esx1:
          vlan: 140
          security:
            promiscuous: false
            mac_changes: false
            forged_transmits: false
          mtu: 1500
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
          description: The ranges that containers get addresses from, without those that are excluded.
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
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.operation import ContainerNetwork
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerNetwork())


if __name__ == "__main__":
    main()

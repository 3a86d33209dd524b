#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of port_group; the implementation is in module_utils/_port_group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_group
short_description: Manage standard and distributed port groups
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates a port group on a distributed switch, or on the standard switches of many hosts at once, sets its VLAN and
    its security policy, or removes it when nothing is connected to it.
  - Values that are not given stay unchanged. In a new port group they are inherited from its switch.
  - Distributed and virtual switches themselves must exist; this module does not create them.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.port_group
  - gantry.vsphere.vcenter
  - gantry.vsphere.removal
  - gantry.vsphere.privileges.port_group
options:
  state:
    description:
      - With V(present), the port group exists with these values, on all of the hosts if it is a standard one.
      - With V(absent), it does not exist on the switch or on these hosts. A port group that VMs, templates, or the
        hosts' own adapters are connected to is an error that names them. That is so for powered-off VMs too, which
        could not be powered on afterwards.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.vm_vmotion
notes:
  - What vCenter would refuse is an error before anything is changed, also in check mode. That is a switch that a host
    does not have, a name that another network has, an invalid VLAN ID, and the removal of a port group in use.
  - The port groups of uplinks, and those of NSX, are not managed.
"""

EXAMPLES = r"""
- name: Create a distributed port group for VLAN 120
  gantry.vsphere.port_group:
    name: web
    switch: DSwitch0
    vlan: 120

- name: Create a standard port group on all hosts of a cluster
  gantry.vsphere.port_group:
    type: standard
    cluster: C0
    switch: vSwitch0
    name: backend
    vlan: 130
    security:
      promiscuous: false
      mac_changes: false
      forged_transmits: false

- name: Carry several VLANs to a virtual router, with jumbo frames on the switch
  gantry.vsphere.port_group:
    name: router
    switch: DSwitch0
    trunk:
      - 100-199
      - "300"
    mtu: 9000

- name: Remove a port group from two hosts
  gantry.vsphere.port_group:
    type: standard
    hosts:
      - esx1
      - esx2
    switch: vSwitch0
    name: backend
    state: absent
"""

RETURN = r"""
port_group:
  description: The port group, or V(null) if it does not exist. Values are as the options take them.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: web
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
      sample: 120
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
      description: RV(port_group.vlan), RV(port_group.security) and RV(port_group.mtu) by the path of each host.
      type: dict
      returned: for standard port groups
      sample:
        /DC0/host/C0/esx1:
          vlan: 130
          security:
            promiscuous: false
            mac_changes: false
            forged_transmits: false
          mtu: 1500
users:
  description: The VMs, and the hosts' own adapters, on a port group that is not removed.
  returned: failure, if the port group is in use
  type: list
  elements: str
  sample:
    - web1
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.operation import PortGroup


def main() -> None:
    run_module(PortGroup())


if __name__ == "__main__":
    main()

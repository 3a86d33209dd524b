# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of a port group, which several modules share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description:
      - The name of the port group, under which VMs and containers are connected to it.
    type: str
    required: true
  switch:
    description:
      - The distributed switch, by name, inventory path or MoID; or the name of the virtual switch of the hosts, such as
        V(vSwitch0).
    type: str
    required: true
  type:
    description:
      - Whether the port group is on a distributed switch of vCenter, or on a standard switch of each host.
    type: str
    choices: [distributed, standard]
    default: distributed
  hosts:
    description:
      - The hosts of a standard port group, by name, inventory path or MoID. Other hosts stay unchanged.
      - Without O(hosts), it is for all hosts of O(cluster).
    type: list
    elements: str
  cluster:
    description:
      - The cluster whose hosts have a standard port group. It can be left out where there is only one.
    type: str
  datacenter:
    description:
      - The datacenter of the switch or of the hosts, by name or path. It selects one of several with the same name.
    type: str
  vlan:
    description:
      - The VLAN ID, from V(1) to V(4094). V(0) is untagged.
    type: int
  trunk:
    description:
      - VLAN IDs and ranges of them, such as V(10-20), whose tagged traffic the VMs receive.
      - A standard port group carries one VLAN or all of them, so that only V(0-4094) is possible there.
    type: list
    elements: str
  security:
    description:
      - What adapters of VMs on the port group may do.
    type: dict
    suboptions:
      promiscuous:
        description:
          - Whether a VM may receive traffic for other VMs.
        type: bool
      mac_changes:
        description:
          - Whether a VM may receive traffic for a MAC address that its guest has set.
        type: bool
      forged_transmits:
        description:
          - Whether a VM may send from other MAC addresses than that of its adapter.
        type: bool
  mtu:
    description:
      - The MTU of the switch in bytes, from V(1280) to V(9000).
      - It belongs to the switch and not to the port group, so that it applies to all port groups of the switch. It is
        changed only if it is given. The physical network must carry frames of that size.
    type: int
  port_allocation:
    description:
      - How a distributed port group provides ports for VMs. V(elastic) adds ports when all are in use, V(fixed) does
        not, and V(ephemeral) creates a port when a VM is powered on.
      - A new port group is V(elastic).
    type: str
    choices: [elastic, fixed, ephemeral]
  ports:
    description:
      - The number of ports of a distributed port group that is not V(ephemeral). A new one has V(8).
      - The ports of an V(elastic) one grow, and a lower number here would take them away again. Give it for V(fixed).
    type: int
"""

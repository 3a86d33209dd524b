#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_group; the implementation is in module_utils/_drs_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_group
short_description: Manage the DRS groups of a cluster
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes and removes the groups of VMs and of hosts that rules refer to.
  - Members that others added to a group are kept unless O(members_mode=exact).
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.drs.rules
  - gantry.vsphere.privileges.drs_group
options:
  name:
    description:
      - The name of the group. VM groups and host groups of a cluster share one namespace.
    type: str
    required: true
  type:
    description:
      - Whether it is a group of VMs or of hosts. Required unless O(state=absent).
      - A group of the other type is replaced, unless rules use it.
    type: str
    choices: [vm, host]
  members:
    description:
      - The members that O(members_mode) applies to. Required unless O(state=absent).
      - A host is a string, its name, inventory path or MoID. VMs and hosts must be in the cluster.
      - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
        (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (container labels, all of which must match)
        and C(stack) (the Compose project of containers).
    type: list
    elements: raw
  members_mode:
    description:
      - V(add) adds O(members) to the group and keeps all other members.
      - V(remove) removes O(members) from the group. A VM or host that no longer exists is not an error.
        The last member cannot be removed, because vSphere has no empty groups.
      - V(exact) makes the members of the group exactly O(members).
    type: str
    choices: [add, remove, exact]
    default: add
  state:
    description:
      - V(absent) removes the group. It is an error if a rule uses it.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gantry.vsphere.drs_rule
  - module: gantry.vsphere.drs_ruleset
"""

EXAMPLES = r"""
- name: Add two VMs to a group and keep its other members
  gantry.vsphere.drs_group:
    cluster: C0
    name: web
    type: vm
    members:
      - web1
      - path: /DC0/vm/apps/web2

- name: Add all containers of a Compose project to a group
  gantry.vsphere.drs_group:
    cluster: C0
    name: shop
    type: vm
    members:
      - stack: shop

- name: Set the exact hosts of a group
  gantry.vsphere.drs_group:
    cluster: C0
    name: rack1
    type: host
    members: [esx1, esx2]
    members_mode: exact

- name: Remove a VM from a group
  gantry.vsphere.drs_group:
    cluster: C0
    name: web
    type: vm
    members: [web1]
    members_mode: remove

- name: Remove a group
  gantry.vsphere.drs_group:
    cluster: C0
    name: web
    state: absent
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
group:
  description: The group, or V(null) if there is none.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the group.
      type: str
      returned: always
      sample: web
    type:
      description: V(vm) or V(host).
      type: str
      returned: always
      sample: vm
    members:
      description: All its members, in the order of their paths.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: The name, or V(null) if the user may not see it.
          type: str
          returned: always
          sample: web1
        path:
          description: The inventory path, or V(null) if the user may not see it.
          type: str
          returned: always
          sample: /DC0/vm/web1
        moid:
          description: The managed object id.
          type: str
          returned: always
          sample: vm-1042
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.operation import DrsGroup
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsGroup())


if __name__ == "__main__":
    main()

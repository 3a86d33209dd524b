#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_rule; the implementation is in module_utils/_drs_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_rule
short_description: Manage the DRS rules of a cluster
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes and removes VM-VM affinity rules, VM-host affinity rules and VM dependency rules (the restart
    order).
  - Options that are not given stay unchanged, so that a rule can be enabled or disabled by its name alone.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.drs.rules
  - gantry.vsphere.privileges.drs_rule
options:
  name:
    description:
      - The name of the rule.
    type: str
    required: true
  type:
    description:
      - V(vm_affinity) keeps O(vms) on the same host, V(vm_anti_affinity) on different ones.
      - With V(vm_host_affinity) the VMs of O(vm_group) run on hosts of O(host_group), with V(vm_host_anti_affinity)
        on other ones.
      - With V(vm_dependency) vSphere HA restarts the VMs of O(vm_group) after those of O(depends_on).
      - Required to create a rule. A rule of another type is replaced; settings that both types have are kept.
    type: str
    choices: [vm_affinity, vm_anti_affinity, vm_host_affinity, vm_host_anti_affinity, vm_dependency]
  enabled:
    description:
      - Whether the rule is enabled. It can be given alone, for a rule that exists.
      - A new rule is enabled unless it is given.
    type: bool
  mandatory:
    description:
      - Whether VMs B(must) satisfy the rule; otherwise they B(should), and DRS may violate it.
      - A mandatory rule also keeps vSphere HA from restarting VMs elsewhere when a host fails, and keeps hosts from
        entering maintenance mode. A new rule is not mandatory unless it is given.
    type: bool
  vms:
    description:
      - The VMs, all of them, of a V(vm_affinity) or V(vm_anti_affinity) rule. At least two, all in the cluster.
      - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
        (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (container labels, all of which must match)
        and C(stack) (the Compose project of containers).
    type: list
    elements: raw
  vm_group:
    description:
      - The VM group that a rule of the other types applies to.
    type: str
  host_group:
    description:
      - The host group of a V(vm_host_affinity) or V(vm_host_anti_affinity) rule.
    type: str
  depends_on:
    description:
      - The VM group whose VMs are restarted first, in a V(vm_dependency) rule.
    type: str
  state:
    description:
      - V(absent) removes the rule.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gantry.vsphere.drs_group
  - module: gantry.vsphere.drs_ruleset
  - module: gantry.vsphere.drs_compliance_info
"""

EXAMPLES = r"""
- name: Keep the two database servers apart
  gantry.vsphere.drs_rule:
    cluster: C0
    name: databases apart
    type: vm_anti_affinity
    vms: [db1, db2]

- name: Disable the rule
  gantry.vsphere.drs_rule:
    cluster: C0
    name: databases apart
    enabled: false

- name: Keep the licensed VMs on the licensed hosts, even when a host fails
  gantry.vsphere.drs_rule:
    cluster: C0
    name: licenses
    type: vm_host_affinity
    vm_group: licensed
    host_group: licensed hosts
    mandatory: true

- name: Restart the web servers after the databases
  gantry.vsphere.drs_rule:
    cluster: C0
    name: web after databases
    type: vm_dependency
    vm_group: web
    depends_on: databases

- name: Remove a rule
  gantry.vsphere.drs_rule:
    cluster: C0
    name: licenses
    state: absent
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
rule:
  description: The rule, or V(null) if there is none.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the rule.
      type: str
      returned: always
      sample: apart
    type:
      description: The type of the rule.
      type: str
      returned: always
      sample: vm_anti_affinity
    enabled:
      description: Whether the rule is enabled.
      type: bool
      returned: always
      sample: true
    mandatory:
      description: Whether the rule is mandatory for VMs.
      type: bool
      returned: always
      sample: false
    vms:
      description: The VMs of a rule between VMs, in the order of their paths.
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
    vm_group:
      description: The VM group that the rule applies to, or V(null).
      type: str
      returned: always
      sample: web
    host_group:
      description: The host group that the rule applies to, or V(null).
      type: str
      returned: always
      sample: rack1
    depends_on:
      description: The VM group that the other VM group depends on, or V(null).
      type: str
      returned: always
      sample: db
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.operation import DrsRule
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsRule())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_ruleset; the implementation is in module_utils/_drs_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_ruleset
short_description: Manage all DRS groups, rules and overrides of a cluster at once
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Compares the desired groups, rules and overrides of a cluster with the current ones, and writes the differences
    in one reconfiguration of the cluster. Groups and the rules that use them can be created, changed and
    removed together. If vCenter refuses these changes together, they are made in several reconfigurations.
  - Objects that the task does not name stay unchanged, unless O(purge=true).
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.drs.rules
  - gantry.vsphere.privileges.drs_ruleset
options:
  groups:
    description:
      - Groups, with the options of M(gantry.vsphere.drs_group).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the group. VM groups and host groups of a cluster share one namespace.
        type: str
        required: true
      type:
        description:
          - Whether it is a group of VMs or of hosts. Required unless O(groups[].state=absent).
          - A group of the other type is replaced, unless rules use it.
        type: str
        choices: [vm, host]
      members:
        description:
          - The members that O(groups[].members_mode) applies to. Required unless O(groups[].state=absent).
          - A host is a string, its name, inventory path or MoID. VMs and hosts must be in the cluster.
          - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
            (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (a container's labels, all of which must
            match) and C(stack) (the Compose project of containers).
        type: list
        elements: raw
      members_mode:
        description:
          - V(add) adds O(groups[].members) to the group and keeps all other members.
          - V(remove) removes O(groups[].members) from the group. The last member cannot be removed,
            because vSphere has no empty groups.
          - V(exact) makes the members of the group exactly O(groups[].members).
        type: str
        choices: [add, remove, exact]
        default: add
      state:
        description:
          - V(absent) removes the group. It is an error if a rule uses it.
        type: str
        choices: [present, absent]
        default: present
  rules:
    description:
      - Rules, with the options of M(gantry.vsphere.drs_rule).
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the rule.
        type: str
        required: true
      type:
        description:
          - V(vm_affinity) keeps O(rules[].vms) on the same host, V(vm_anti_affinity) on different ones.
          - With V(vm_host_affinity) the VMs of O(rules[].vm_group) run on hosts of O(rules[].host_group), with
            V(vm_host_anti_affinity) on other ones.
          - With V(vm_dependency) vSphere HA restarts the VMs of O(rules[].vm_group) after those of
            O(rules[].depends_on).
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
          - A mandatory rule also keeps vSphere HA from restarting VMs elsewhere when a host fails, and keeps hosts
            from entering maintenance mode. A new rule is not mandatory unless it is given.
        type: bool
      vms:
        description:
          - The VMs, all of them, of a V(vm_affinity) or V(vm_anti_affinity) rule. At least two, all in the cluster.
          - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
            (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (a container's labels, all of which must
            match) and C(stack) (the Compose project of containers).
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
  overrides:
    description:
      - Overrides, with the options of M(gantry.vsphere.drs_override).
    type: list
    elements: dict
    suboptions:
      vms:
        description:
          - The VMs. All of them must be in the cluster.
          - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
            (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (a container's labels, all of which must
            match) and C(stack) (the Compose project of containers).
        type: list
        elements: raw
        required: true
      automation_level:
        description:
          - The automation level of the VMs, instead of the cluster's default.
          - With V(disabled), DRS neither places nor migrates them.
          - Required unless O(overrides[].state=absent).
        type: str
        choices: [manual, partially_automated, fully_automated, disabled]
      state:
        description:
          - V(absent) removes the override, so that the cluster's default applies.
        type: str
        choices: [present, absent]
        default: present
  purge:
    description:
      - Whether to remove the groups and rules whose names begin with O(purge_prefix) and that are not named in the
        task. Overrides have no names and are not purged.
    type: bool
    default: false
  planned_vms:
    description:
      - For check mode, the names or inventory paths of VMs that an earlier task of the play would create. A VM that
        O(groups), O(rules) or O(overrides) select by such a name or path counts as one of the cluster, even if it does
        not exist yet.
    type: list
    elements: str
    default: []
  purge_prefix:
    description:
      - The prefix of the names of all groups and rules that only this task manages. Required for O(purge=true).
    type: str
seealso:
  - module: gantry.vsphere.drs_group
  - module: gantry.vsphere.drs_rule
  - module: gantry.vsphere.drs_override
  - module: gantry.vsphere.drs_compliance_info
"""

EXAMPLES = r"""
- name: Manage all rules of the shop
  gantry.vsphere.drs_ruleset:
    cluster: C0
    groups:
      - name: shop-web
        type: vm
        members:
          - labels:
              tier: web
        members_mode: exact
      - name: shop-hosts
        type: host
        members: [esx1, esx2]
        members_mode: exact
    rules:
      - name: shop-web-hosts
        type: vm_host_affinity
        vm_group: shop-web
        host_group: shop-hosts
      - name: shop-databases-apart
        type: vm_anti_affinity
        vms: [db1, db2]
    overrides:
      - vms: [db1, db2]
        automation_level: partially_automated
    purge: true
    purge_prefix: shop-
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
groups:
  description: The groups that the task names and that exist.
  returned: success
  type: list
  elements: dict
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
rules:
  description: The rules that the task names and that exist.
  returned: success
  type: list
  elements: dict
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
overrides:
  description: The overrides of those VMs of the task that have one.
  returned: success
  type: list
  elements: dict
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
    automation_level:
      description:
        - One of V(manual), V(partially_automated), V(fully_automated) and V(disabled), or V(null) if the override
          equals the cluster's default.
      type: str
      returned: always
      sample: manual
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.operation import DrsRuleset
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsRuleset())


if __name__ == "__main__":
    main()

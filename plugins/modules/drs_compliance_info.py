#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_compliance_info; the implementation is in module_utils/_drs_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_compliance_info
short_description: Report DRS rules that are violated, and rules that cannot be satisfied
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the rules of a cluster that are violated now, and by which VMs on which hosts.
  - Returns the rules that conflict with each other, or that the cluster's hosts cannot satisfy.
  - Returns all groups, rules and overrides of the cluster.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.privileges.drs_compliance_info
seealso:
  - module: gantry.vsphere.drs_rule
  - module: gantry.vsphere.drs_recommendation
"""

EXAMPLES = r"""
- name: Report the rules of a cluster
  gantry.vsphere.drs_compliance_info:
    cluster: C0
  register: result

- name: Fail if a mandatory rule is violated
  ansible.builtin.assert:
    that: result.violations | selectattr('mandatory') | list | length == 0
    fail_msg: "{{ result.violations | selectattr('mandatory') | map(attribute='message') | join('; ') }}"
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
drs_enabled:
  description: Whether DRS is enabled. Otherwise rules have no effect.
  returned: success
  type: bool
  sample: true
compliant:
  description: Whether no enabled rule is violated.
  returned: success
  type: bool
  sample: false
violations:
  description: The enabled rules that are violated by the current hosts of powered-on VMs.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: The name of the rule.
      type: str
      returned: always
      sample: databases apart
    type:
      description: The type of the rule.
      type: str
      returned: always
      sample: vm_anti_affinity
    mandatory:
      description: Whether the rule is mandatory for VMs.
      type: bool
      returned: always
      sample: false
    vms:
      description: The VMs whose placement violates the rule.
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
        host:
          description: The name of the host that the VM is on.
          type: str
          returned: always
          sample: esx1
    message:
      description: The same as text.
      type: str
      returned: always
      sample: 'rule databases apart: these VMs should be on different hosts: db1 on esx1, db2 on esx1'
    cause:
      description: Why DRS does not end the violation by itself, as far as the configuration of the cluster says it.
      type: str
      returned: always
      sample: DRS only recommends moves of db1, db2. Apply its recommendations.
conflicts:
  description: Enabled rules that cannot all be satisfied.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description:
        - The kind of conflict. V(affinity_and_anti_affinity), V(no_host), V(not_enough_hosts) and V(dependency_cycle)
          are permanent, V(no_host_now) and V(not_enough_hosts_now) last while some hosts cannot run VMs, and
          V(preference_impossible) applies to rules that are not mandatory.
      type: str
      returned: always
      sample: not_enough_hosts
    severity:
      description: V(error) for conflicts that the modules refuse to create, otherwise V(warning).
      type: str
      returned: always
      sample: error
    rules:
      description: The names of the rules.
      type: list
      elements: str
      returned: always
      sample: [databases apart]
    vms:
      description: The paths of the VMs.
      type: list
      elements: str
      returned: always
      sample: [/DC0/vm/db1, /DC0/vm/db2]
    message:
      description: The same as text.
      type: str
      returned: always
      sample: rule a keeps db1, db2 on different hosts, while rule b keeps them on the same one
groups:
  description: All groups of the cluster, in the order of their names.
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
  description: All rules of the cluster, in the order of their names.
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
    violated:
      description: Whether the rule is enabled and violated.
      type: bool
      returned: always
      sample: false
    in_compliance:
      description:
        - Whether vCenter last reported the rule as satisfied, by its status. V(null) if the rule is disabled or vCenter
          reported neither.
      type: bool
      returned: always
      sample: true
    by_user:
      description:
        - Whether vCenter marks the rule as created by a user. Rules of vSphere itself lack the mark, and possibly those
          of tools that do not set it.
      type: bool
      returned: always
      sample: true
overrides:
  description: All overrides of the cluster, in the order of the VMs' paths.
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

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.operation_compliance import (
    DrsComplianceInfo,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsComplianceInfo())


if __name__ == "__main__":
    main()

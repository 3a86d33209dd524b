#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_override; the implementation is in module_utils/_drs_rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_override
short_description: Manage the DRS automation level of single VMs
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Overrides the automation level of a cluster for some of its VMs, or removes such overrides.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.drs.rules
  - gantry.vsphere.privileges.drs_override
options:
  vms:
    description:
      - The VMs. All of them must be in the cluster.
      - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
        (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (container labels, all of which must match)
        and C(stack) (the Compose project of containers).
    type: list
    elements: raw
    required: true
  automation_level:
    description:
      - The automation level of the VMs, instead of the cluster's default.
      - With V(disabled), DRS neither places nor migrates them.
      - Required unless O(state=absent).
    type: str
    choices: [manual, partially_automated, fully_automated, disabled]
  state:
    description:
      - V(absent) removes the override, so that the cluster's default applies.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gantry.vsphere.drs_cluster
  - module: gantry.vsphere.drs_ruleset
"""

EXAMPLES = r"""
- name: Disable DRS for a VM
  gantry.vsphere.drs_override:
    cluster: C0
    vms: [license-server]
    automation_level: disabled

- name: Set the databases to manual
  gantry.vsphere.drs_override:
    cluster: C0
    vms:
      - labels:
          tier: database
    automation_level: manual

- name: Remove the override of a VM
  gantry.vsphere.drs_override:
    cluster: C0
    vms: [license-server]
    state: absent
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
overrides:
  description: The overrides of the VMs that have one, in the order of their paths.
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

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.operation import DrsOverride
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsOverride())


if __name__ == "__main__":
    main()

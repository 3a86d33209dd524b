#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_recommendation; what it does is in module_utils/_drs_recommendation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_recommendation
short_description: List, apply and refuse what DRS recommends
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the recommendations that DRS of a cluster has made, all of them or those that are selected, and applies or
    cancels them.
  - A recommendation that is not there any more is nothing to do.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
options:
  action:
    description:
      - V(list) changes nothing.
      - V(apply) does what is recommended. What a recommendation presupposes is applied with it, before it.
      - V(cancel) refuses it. vCenter lets only recommendations of where a VM is powered on be refused, whose reason
        is V(powerOnVm).
    type: str
    choices: [list, apply, cancel]
    default: list
  keys:
    description:
      - The keys of the recommendations, as O(action=list) returns them.
      - Of O(keys), O(reasons) and O(vms), all that are given must fit.
    type: list
    elements: str
  reasons:
    description:
      - The reasons of the recommendations, as vSphere calls them, such as V(fairnessCpuAvg), V(fairnessMemAvg),
        V(jointAffin), V(antiAffin), V(hostMaint), V(vmHostHardAffinity), V(vmHostSoftAffinity) and V(powerOnVm).
    type: list
    elements: str
  vms:
    description:
      - VMs that are to be moved or powered on.
      - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name) (beside
        which C(folder) may be), C(path), C(moid), C(uuid), C(labels) (a container's labels, all of which must match)
        and C(stack) (the Compose project of containers).
    type: list
    elements: raw
  all:
    description:
      - Whether all recommendations are meant. Unless O(action=list), this or a selection is needed.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until VMs have arrived where they are moved or powered on.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait.
    type: int
    default: 600
seealso:
  - module: gantry.vsphere.drs_compliance_info
  - module: gantry.vsphere.drs_cluster
notes:
  - The privilege C(Resource.ApplyRecommendation) is needed on the cluster to apply or cancel. vCenter itself then
    moves the VMs.
"""

EXAMPLES = r"""
- name: See what DRS recommends
  gantry.vsphere.drs_recommendation:
    cluster: C0
  register: result

- name: Apply what mends broken rules
  gantry.vsphere.drs_recommendation:
    cluster: C0
    action: apply
    reasons: [antiAffin, jointAffin, vmHostHardAffinity]

- name: Apply one recommendation
  gantry.vsphere.drs_recommendation:
    cluster: C0
    action: apply
    keys: ["{{ result.recommendations[0].key }}"]
  when: result.recommendations | length > 0

- name: Refuse to have VMs powered on where DRS recommends
  gantry.vsphere.drs_recommendation:
    cluster: C0
    action: cancel
    reasons: [powerOnVm]
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
recommendations:
  description: The recommendations that the task is about, as they were found, in the order in which they are applied.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: What the recommendation is selected by.
      type: str
      returned: always
      sample: '12'
    reason:
      description: Why it is recommended, as a word.
      type: str
      returned: always
      sample: fairnessCpuAvg
    reason_text:
      description: Why it is recommended, as vCenter says it.
      type: str
      returned: always
      sample: Balance average CPU loads
    rating:
      description: How much it is worth, from 1 to 5. The higher, the more.
      type: int
      returned: always
      sample: 3
    prerequisites:
      description: The keys of the recommendations that it presupposes.
      type: list
      elements: str
      returned: always
      sample: []
    moves:
      description: The VMs that are to be moved, or powered on.
      type: list
      elements: dict
      returned: always
      contains:
        vm:
          description: The inventory path of the VM.
          type: str
          returned: always
          sample: /DC0/vm/web1
        moid:
          description: The managed object id of the VM.
          type: str
          returned: always
          sample: vm-1042
        from:
          description: The inventory path of the host that it is on, or V(null) where it is to be powered on.
          type: str
          returned: always
          sample: /DC0/host/C0/esx1
        to:
          description: The inventory path of the host that it is to go to.
          type: str
          returned: always
          sample: /DC0/host/C0/esx2
    other_actions:
      description: What else is to be done, as vSphere calls it.
      type: list
      elements: str
      returned: always
      sample: []
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.operation import (
    DrsRecommendation,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsRecommendation())


if __name__ == "__main__":
    main()

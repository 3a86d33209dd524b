#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_recommendation; the implementation is in module_utils/_drs_recommendation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_recommendation
short_description: List, apply and reject DRS recommendations
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns all or the selected DRS recommendations of a cluster, and applies or cancels them.
  - A recommendation that no longer exists is not an error, and nothing is changed.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.privileges.drs_recommendation
options:
  action:
    description:
      - V(list) changes nothing.
      - V(apply) applies the recommendations. The prerequisites of a recommendation are applied before it.
      - V(cancel) rejects them. vCenter can only reject recommendations for the host that a VM is powered on at, whose
        reason is V(powerOnVm).
    type: str
    choices: [list, apply, cancel]
    default: list
  keys:
    description:
      - The keys of the recommendations, as O(action=list) returns them.
      - A recommendation must match all that are given of O(keys), O(reasons) and O(vms).
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
      - VMs that the recommendations move or power on.
      - A VM is a string, its name or (with a slash) its inventory path, or a mapping with one of C(name)
        (optionally with C(folder)), C(path), C(moid), C(uuid), C(labels) (container labels, all of which must match)
        and C(stack) (the Compose project of containers).
    type: list
    elements: raw
  all:
    description:
      - Whether to select all recommendations. Unless O(action=list), this or a selection is required.
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
  - vCenter itself migrates the VMs of a recommendation that is applied.
"""

EXAMPLES = r"""
- name: List the recommendations
  gantry.vsphere.drs_recommendation:
    cluster: C0
  register: result

- name: Apply the recommendations that fix violated rules
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

- name: Reject the recommended hosts for powering on VMs
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
  description: The selected recommendations as they were found, in the order in which they are applied.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The key that selects the recommendation.
      type: str
      returned: always
      sample: '12'
    reason:
      description: The reason code.
      type: str
      returned: always
      sample: fairnessCpuAvg
    reason_text:
      description: The reason as vCenter describes it.
      type: str
      returned: always
      sample: Balance average CPU loads
    rating:
      description: The rating from 1 to 5; a higher rating means a greater benefit.
      type: int
      returned: always
      sample: 3
    prerequisites:
      description: The keys of the recommendations that must be applied first.
      type: list
      elements: str
      returned: always
      sample: []
    moves:
      description: The VMs that are moved or powered on.
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
          description: The inventory path of the host that it is on, or V(null) if it is to be powered on.
          type: str
          returned: always
          sample: /DC0/host/C0/esx1
        to:
          description: The inventory path of the target host.
          type: str
          returned: always
          sample: /DC0/host/C0/esx2
    other_actions:
      description: The other actions, by their names in vSphere.
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

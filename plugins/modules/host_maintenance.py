#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of host_maintenance; the implementation is in module_utils/_maintenance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_maintenance
short_description: Put a host into maintenance mode, or take it out
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Puts an ESXi host into maintenance mode, after its running VMs have moved to other hosts of its cluster, or takes it
    out of maintenance mode.
  - Everything is checked first. Whatever prevents a VM from leaving the host, or the cluster from running without it,
    is reported with its cause and remedy, and nothing is changed. vCenter itself would hang at 2% in such cases.
  - Agent VMs, such as those of vSphere Cluster Services (vCLS), are left to vCenter, which stops or moves them itself.
    See RV(left_to_vcenter).
  - If the host is already entering or leaving maintenance mode, because of someone else or an interrupted run, the
    module waits for it.
  - vCenter clones no template of a host in maintenance mode. The templates of images are therefore moved to other hosts
    before the host enters it, whatever the options are. If no other host can take one, it stays, with a warning.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.host_maintenance
options:
  host:
    description:
      - The host, by name, path or MoID. The case of its name does not matter.
    type: str
    required: true
  datacenter:
    description:
      - The datacenter of the host.
    type: str
  cluster:
    description:
      - The cluster of the host.
    type: str
  state:
    description:
      - V(present) puts the host into maintenance mode, V(absent) takes it out.
    type: str
    choices: [present, absent]
    default: present
  evacuation:
    description:
      - How the running VMs leave the host.
      - V(drs) leaves it to DRS, which must be on and fully automated for each VM. The destinations are known only
        afterwards.
      - V(explicit) moves them as M(gantry.vsphere.vm_vmotion) does, to hosts that DRS recommends, or if DRS is off to
        the hosts with the most free memory.
    type: str
    choices: [drs, explicit]
    default: drs
  evacuate_powered_off:
    description:
      - Whether VMs that are off or suspended, and templates that are not of images, leave the host too. Otherwise they
        stay registered on it, and cannot be powered on or cloned there during maintenance.
    type: bool
    default: false
  vsan_mode:
    description:
      - What vCenter does with the host's vSAN data. By default vCenter decides.
    type: str
    choices: [ensureObjectAccessibility, evacuateAllData, noAction]
  precheck:
    description:
      - V(enforce) checks for blockers before anything is changed, and fails if there are any.
      - V(report) only checks. It changes nothing, and does not fail. See RV(blockers).
      - V(skip) does not check.
    type: str
    choices: [enforce, report, skip]
    default: enforce
  timeout:
    description:
      - How many seconds the host may take to enter or leave maintenance mode. VMs that have left it by then stay where
        they are.
    type: int
    default: 3600
seealso:
  - module: gantry.vsphere.vm_vmotion
notes:
  - Capacity is checked against the reservations of the running VMs, as vCenter does, and what HA admission control
    keeps free. There is a warning if the VMs are configured with more memory than the other hosts have.
  - A container is not moved to a host that does not see the datastore of its bootstrap ISO, since it could not be
    started there.
  - In check mode the same checks are made. With O(evacuation=explicit) the result is where each VM would move.
  - The role and the playbook C(gantry.vsphere.evacuate) do this for many hosts, one after the other.
"""

EXAMPLES = r"""
- name: Check what prevents maintenance mode
  gantry.vsphere.host_maintenance:
    host: esx1.example.com
    precheck: report
  register: result

- name: Put a host into maintenance mode
  gantry.vsphere.host_maintenance:
    host: esx1.example.com
    timeout: 1800

- name: Do the same where DRS is off
  gantry.vsphere.host_maintenance:
    host: esx1.example.com
    evacuation: explicit
    evacuate_powered_off: true

- name: Take the host out of maintenance mode
  gantry.vsphere.host_maintenance:
    host: esx1.example.com
    state: absent
"""

RETURN = r"""
host:
  description: The host afterwards.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: esx1.example.com
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/host/C0/esx1.example.com
    moid:
      description: Its managed object ID.
      type: str
      returned: always
      sample: host-21
    cluster:
      description: The name of its cluster.
      type: str
      returned: always
      sample: C0
    maintenance:
      description: Whether it is in maintenance mode.
      type: bool
      returned: always
      sample: true
evacuated:
  description: The VMs and templates that left the host, or would in check mode. Also returned with a failure to enter.
  returned: success, and failure to enter
  type: list
  elements: dict
  contains:
    name:
      description: The VM's name.
      type: str
      returned: always
      sample: web
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    moid:
      description: Its managed object ID.
      type: str
      returned: always
      sample: vm-42
    mode:
      description: V(live) or V(cold), and V(template) for a template.
      type: str
      returned: always
      sample: live
    from:
      description: The host.
      type: str
      returned: always
      sample: esx1.example.com
    to:
      description:
        - The host that it is on now. V(null) in check mode with O(evacuation=drs), as DRS has not chosen yet.
      type: str
      returned: always
      sample: esx2.example.com
staying:
  description: The paths of VMs and templates that are off and stay registered on the host.
  returned: success
  type: list
  elements: str
  sample: []
left_to_vcenter:
  description: >-
    The paths of agent VMs on the host, such as those of vSphere Cluster Services (vCLS). vCenter itself stops or moves
    them.
  returned: success
  type: list
  elements: str
  sample: [/DC0/vm/vCLS/vCLS-4c4c4544-004d-3010-8056-b2c04f4d3333]
remaining:
  description: The paths of the VMs that should have left the host and are still on it.
  returned: failure to enter
  type: list
  elements: str
  sample: [/DC0/vm/apps/web]
blockers:
  description: Everything that prevents maintenance mode. Also returned with the error that it causes.
  returned: success, and failure of a check
  type: list
  elements: dict
  contains:
    vm:
      description: The path of the VM that it concerns; V(null) if it concerns the host as a whole.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    code:
      description: The kind of blocker; see M(gantry.vsphere.vm_vmotion).
      type: str
      returned: always
      sample: drs_disabled
    message:
      description: What was found.
      type: str
      returned: always
      sample: DRS of cluster C0 is off, so nothing moves the 3 VMs away.
    remedy:
      description: What to do.
      type: str
      returned: always
      sample: Set evacuation to explicit, or turn DRS on.
    host:
      description: The host that it concerns.
      type: str
      returned: always
      sample: esx1.example.com
actions:
  description: What was done, or would be done in check mode.
  returned: success
  type: list
  elements: str
  sample: ['put esx1.example.com into maintenance mode, with 3 VMs moved away by DRS']
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.operation import HostMaintenance


def main() -> None:
    run_module(HostMaintenance())


if __name__ == "__main__":
    main()

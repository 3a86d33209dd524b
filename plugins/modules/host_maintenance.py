#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of host_maintenance; what it does is in module_utils/_maintenance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_maintenance
short_description: Put a host into maintenance mode, or take it out
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Puts an ESXi host into maintenance mode, after its running VMs have moved to other hosts of its cluster, or takes it
    out of it.
  - Before anything is changed, all that keeps a VM on the host, and all that the cluster lacks to do without it, is
    found and named, with its cause and its remedy. vCenter itself would wait for ever with the host at two per cent.
  - If the host is on its way already, because of somebody else or of a run that was interrupted, that is waited for.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
options:
  host:
    description:
      - The host, by name, path or MoID. The case of its name does not matter.
    type: str
    required: true
  datacenter:
    description:
      - The datacenter in which the host is looked for.
    type: str
  cluster:
    description:
      - The cluster in which the host is looked for.
    type: str
  state:
    description:
      - V(present), the host is in maintenance mode. V(absent), it is not.
    type: str
    choices: [present, absent]
    default: present
  evacuation:
    description:
      - How the running VMs leave the host.
      - V(drs) leaves it to DRS, which must be on and fully automated for each of them. Where they go is known only
        afterwards.
      - V(explicit) moves them one by one, as M(gantry.vsphere.vm_vmotion) does, to hosts that DRS recommends, or where
        DRS is off, to those with the most free memory.
    type: str
    choices: [drs, explicit]
    default: drs
  evacuate_powered_off:
    description:
      - Whether VMs that are off or suspended, and templates, leave the host too. Otherwise they stay registered on it
        and cannot be powered on there meanwhile.
    type: bool
    default: false
  vsan_mode:
    description:
      - What becomes of the host's vSAN data. Without it, vCenter's default.
    type: str
    choices: [ensureObjectAccessibility, evacuateAllData, noAction]
  precheck:
    description:
      - V(enforce) looks for what prevents maintenance mode before anything is changed, and fails if there is anything.
      - V(report) only looks. It changes nothing, and does not fail; see RV(blockers).
      - V(skip) does not look.
    type: str
    choices: [enforce, report, skip]
    default: enforce
  timeout:
    description:
      - How many seconds it may take until the host is in maintenance mode, or out of it. What has moved away by then
        stays where it is.
    type: int
    default: 3600
seealso:
  - module: gantry.vsphere.vm_vmotion
notes:
  - Required privileges are C(Host.Config.Maintenance) on the host and C(System.Read) on all. With
    O(evacuation=explicit), C(Resource.HotMigrate) and C(Resource.ColdMigrate) on the VMs and
    C(Resource.ApplyRecommendation) on the cluster are needed too.
  - Capacity is judged by what the running VMs have reserved, as vCenter does, and by what HA's admission control keeps
    free. A warning is given if they are configured with more memory than the other hosts have.
  - In check mode the same checks are made. With O(evacuation=explicit) it says where each VM would move.
  - The playbook C(gantry.vsphere.rolling_maintenance) does this for many hosts, one after the other.
"""

EXAMPLES = r"""
- name: See what keeps a host from maintenance mode
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

- name: Let it run VMs again
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
  description: The VMs that have left it, or in check mode would. Also returned if it could not enter maintenance mode.
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
      description: V(live) or V(cold).
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
        - The host that it is on now. V(null) in check mode with O(evacuation=drs), where DRS has yet to choose.
      type: str
      returned: always
      sample: esx2.example.com
staying:
  description: The paths of VMs and templates that are off and stay registered on the host.
  returned: success
  type: list
  elements: str
  sample: []
remaining:
  description: The paths of the VMs that should have left it and are still there.
  returned: failure to enter
  type: list
  elements: str
  sample: [/DC0/vm/apps/web]
blockers:
  description: All that keeps the host from maintenance mode. Also returned with the failure that it leads to.
  returned: success, and failure of a check
  type: list
  elements: dict
  contains:
    vm:
      description: The path of the VM that it is about; V(null) if it is about the host as a whole.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    code:
      description: What it is; see M(gantry.vsphere.vm_vmotion).
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
      description: The host that it is about.
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

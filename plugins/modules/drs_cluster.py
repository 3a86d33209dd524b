#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of drs_cluster; the implementation is in module_utils/_drs_cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: drs_cluster
short_description: Manage the settings of DRS and vSphere HA of a cluster
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Configures DRS on a cluster, and the settings of vSphere HA that limit what DRS can do.
  - Settings that are not given stay unchanged.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.drs
  - gantry.vsphere.privileges.drs_cluster
options:
  enabled:
    description:
      - Whether DRS is enabled.
      - It is not disabled while the cluster has resource pools, because vCenter would destroy them. To keep DRS
        from moving VMs by itself, use O(automation_level=manual) and O(migration_threshold=1).
    type: bool
  automation_level:
    description:
      - With V(manual) DRS only makes recommendations, with V(partially_automated) it also chooses the host at power-on,
        and with V(fully_automated) it also migrates VMs.
    type: str
    choices: [manual, partially_automated, fully_automated]
  migration_threshold:
    description:
      - The migration threshold as the vSphere Client shows it, from V(1) (conservative, only migrations that rules and
        maintenance mode require) to V(5) (aggressive).
    type: int
    choices: [1, 2, 3, 4, 5]
  scalable_shares:
    description:
      - Whether the shares of resource pools follow the number of VMs in them.
    type: bool
  vm_overrides:
    description:
      - Whether single VMs may have their own automation level. See M(gantry.vsphere.drs_override).
    type: bool
  predictive_drs:
    description:
      - Whether DRS also uses load forecasts from VMware Aria Operations.
    type: bool
  advanced_options:
    description:
      - Advanced options of DRS, by their names. Those that are not given stay as they are.
      - An option that is V(null) is removed.
    type: dict
  ha:
    description:
      - Settings of vSphere HA.
    type: dict
    suboptions:
      enabled:
        description:
          - Whether vSphere HA is enabled.
        type: bool
      host_monitoring:
        description:
          - Whether VMs of a host that fails are restarted on others.
        type: bool
      admission_control:
        description:
          - How much capacity is kept free for restarts. VMs that would need it are not powered on, and hosts whose
            evacuation would need it do not enter maintenance mode.
        type: dict
        suboptions:
          policy:
            description:
              - How the reserved capacity is calculated. V(disabled) reserves none.
            type: str
            required: true
            choices: [disabled, slot_policy, cluster_resource_percentage, dedicated_failover_hosts]
          host_failures_tolerated:
            description:
              - The number of hosts that may fail, for V(slot_policy) and V(cluster_resource_percentage).
              - The default for a new policy is V(1).
            type: int
          cpu_percent:
            description:
              - The percentage of CPU to keep free, for V(cluster_resource_percentage).
              - Without it and O(ha.admission_control.memory_percent), vCenter calculates both from
                O(ha.admission_control.host_failures_tolerated).
            type: int
          memory_percent:
            description:
              - The percentage of memory to keep free. Requires O(ha.admission_control.cpu_percent).
            type: int
          failover_hosts:
            description:
              - The hosts to keep free, for V(dedicated_failover_hosts).
            type: list
            elements: str
seealso:
  - module: gantry.vsphere.drs_override
  - module: gantry.vsphere.drs_ruleset
"""

EXAMPLES = r"""
- name: Let DRS balance the cluster automatically
  gantry.vsphere.drs_cluster:
    cluster: C0
    enabled: true
    automation_level: fully_automated
    migration_threshold: 3
    advanced_options:
      TryBalanceVmsPerHost: "1"

- name: Let DRS only make recommendations, and remove an advanced option
  gantry.vsphere.drs_cluster:
    cluster: C0
    automation_level: manual
    advanced_options:
      TryBalanceVmsPerHost: null

- name: Keep the capacity of one host free
  gantry.vsphere.drs_cluster:
    cluster: C0
    ha:
      enabled: true
      host_monitoring: true
      admission_control:
        policy: cluster_resource_percentage
        host_failures_tolerated: 1
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success
  type: str
  sample: /DC0/host/C0
settings:
  description: All settings, by option name.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether DRS is enabled.
      type: bool
      returned: always
      sample: true
    automation_level:
      description: The automation level.
      type: str
      returned: always
      sample: fully_automated
    migration_threshold:
      description: The threshold, from 1 (conservative) to 5 (aggressive).
      type: int
      returned: always
      sample: 3
    scalable_shares:
      description: Whether shares of resource pools follow the number of VMs in them.
      type: bool
      returned: always
      sample: false
    vm_overrides:
      description: Whether VMs may have an automation level of their own.
      type: bool
      returned: always
      sample: true
    predictive_drs:
      description: Whether DRS uses forecasts.
      type: bool
      returned: always
      sample: false
    advanced_options:
      description: The advanced options that are set.
      type: dict
      returned: always
      sample:
        TryBalanceVmsPerHost: "1"
    ha:
      description: The settings of vSphere HA.
      type: dict
      returned: always
      contains:
        enabled:
          description: Whether vSphere HA is enabled.
          type: bool
          returned: always
          sample: true
        host_monitoring:
          description: Whether hosts are monitored.
          type: bool
          returned: always
          sample: true
        admission_control:
          description: The policy and its settings, or V(null) if none is set.
          type: dict
          returned: always
          sample:
            policy: cluster_resource_percentage
            host_failures_tolerated: 1
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.operation import DrsCluster
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(DrsCluster())


if __name__ == "__main__":
    main()

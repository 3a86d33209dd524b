#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of cluster_info; the implementation is in module_utils/_cluster_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Get the hosts of clusters, their load, and the capacity that is left without some of them
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns one cluster, or all clusters of a datacenter or of the vCenter, with the state, version and load of each
    host, and the settings of DRS and HA.
  - Returns the capacity of each cluster in comparison with the reservations of its running VMs, also if one more host
    fails, and if some hosts are left out.
  - The number of requests depends neither on the number of clusters nor on that of hosts or VMs.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.cluster_info
options:
  cluster:
    description:
      - The cluster, by name, inventory path or MoID. By default all clusters.
    type: str
  datacenter:
    description:
      - The datacenter that the clusters are in, by name or path. By default all datacenters.
    type: str
  without:
    description:
      - Hosts whose capacity does not count, such as those that are to enter maintenance mode, by name, inventory path
        or MoID. The case of a name does not matter.
    type: list
    elements: str
    default: []
seealso:
  - module: gantry.vsphere.host_maintenance
  - module: gantry.vsphere.drs_cluster
  - module: gantry.vsphere.drs_compliance_info
notes:
  - Capacity is compared with reservations, as vCenter does for admission control. Compare
    RV(clusters[].memory_configured_mb) with it to see how far memory is overcommitted.
"""

EXAMPLES = r"""
- name: Get all clusters of a datacenter
  gantry.vsphere.cluster_info:
    datacenter: DC0
  register: result

- name: Show the hosts that cannot run VMs now
  ansible.builtin.debug:
    msg: "{{ result.clusters | map(attribute='hosts') | flatten | rejectattr('usable') | map(attribute='name') }}"

- name: Check that a cluster can lose a host, and one more
  gantry.vsphere.cluster_info:
    cluster: C0
    without: [esx1.example.com]
  register: result
  failed_when: not result.clusters[0].after_failure.sufficient
"""

RETURN = r"""
clusters:
  description: The clusters, in the order of their inventory paths.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
      sample: C0
    path:
      description: The inventory path.
      type: str
      returned: always
      sample: /DC0/host/C0
    moid:
      description: The managed object ID.
      type: str
      returned: always
      sample: domain-c8
    datacenter:
      description: The inventory path of its datacenter.
      type: str
      returned: always
      sample: /DC0
    evc:
      description: The EVC mode, or V(null) if EVC is off.
      type: str
      returned: always
      sample: intel-cascadelake
    settings:
      description: The settings of DRS and HA with admission control, as RV(gantry.vsphere.drs_cluster#module:settings).
      type: dict
      returned: always
      sample: {enabled: true, automation_level: fully_automated, ha: {enabled: true}}
    hosts:
      description: All its hosts, in the order of their names.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: The name.
          type: str
          returned: always
          sample: esx1.example.com
        path:
          description: The inventory path.
          type: str
          returned: always
          sample: /DC0/host/C0/esx1.example.com
        moid:
          description: The managed object ID.
          type: str
          returned: always
          sample: host-21
        connection:
          description: V(connected), V(disconnected) or V(notResponding).
          type: str
          returned: always
          sample: connected
        maintenance:
          description: Whether it is in maintenance mode.
          type: bool
          returned: always
          sample: false
        maintenance_task:
          description: V(entering) or V(leaving) while a task changes that, otherwise V(null).
          type: str
          returned: always
          sample: null
        quarantine:
          description: Whether it is in quarantine mode, in which DRS avoids it because of degraded hardware.
          type: bool
          returned: always
          sample: false
        failover_host:
          description: Whether HA admission control keeps it free as a dedicated failover host.
          type: bool
          returned: always
          sample: false
        usable:
          description: Whether it can run VMs. It is connected, and neither in maintenance mode nor in quarantine mode.
          type: bool
          returned: always
          sample: true
        without:
          description: Whether O(without) lists it.
          type: bool
          returned: always
          sample: false
        version:
          description: The version of ESXi.
          type: str
          returned: always
          sample: 8.0.3
        build:
          description: The build number of ESXi.
          type: str
          returned: always
          sample: '24022510'
        cpu_cores:
          description: The number of CPU cores.
          type: int
          returned: always
          sample: 32
        cpu_mhz:
          description: The CPU capacity in MHz.
          type: int
          returned: always
          sample: 96000
        cpu_used_mhz:
          description: The CPU use in MHz.
          type: int
          returned: always
          sample: 4100
        memory_mb:
          description: The memory in MiB.
          type: int
          returned: always
          sample: 393216
        memory_used_mb:
          description: The memory in use in MiB.
          type: int
          returned: always
          sample: 51200
        vms:
          description: The numbers of VMs that are registered on it.
          type: dict
          returned: always
          contains:
            'on':
              description: The number of VMs that are powered on.
              type: int
              returned: always
              sample: 12
            'off':
              description: The number of VMs that are powered off or suspended.
              type: int
              returned: always
              sample: 3
            templates:
              description: The number of VM templates.
              type: int
              returned: always
              sample: 1
            agents:
              description: The number of agent VMs, such as those of vCLS. They are not in the other numbers.
              type: int
              returned: always
              sample: 1
    vms:
      description: The numbers of VMs of all its hosts.
      type: dict
      returned: always
      contains:
        'on':
          description: The number of VMs that are powered on.
          type: int
          returned: always
          sample: 12
        'off':
          description: The number of VMs that are powered off or suspended.
          type: int
          returned: always
          sample: 3
        templates:
          description: The number of VM templates.
          type: int
          returned: always
          sample: 1
        agents:
          description: The number of agent VMs, such as those of vCLS. They are not in the other numbers.
          type: int
          returned: always
          sample: 1
    memory_configured_mb:
      description: The memory that the running VMs are configured with, in MiB.
      type: int
      returned: always
      sample: 65536
    capacity:
      description: The usable hosts without those of O(without) and without dedicated failover hosts.
      type: dict
      returned: always
      contains: &capacity
        hosts:
          description: The names of these hosts.
          type: list
          elements: str
          returned: always
          sample: [esx1.example.com, esx2.example.com]
        memory_mb:
          description: Their memory in MiB.
          type: int
          returned: always
          sample: 393216
        memory_reserved_mb:
          description: The reservations of all running VMs of the cluster in MiB, with the VMs' overhead.
          type: int
          returned: always
          sample: 8192
        memory_free_mb:
          description: The memory that is not reserved in MiB. Negative if the reservations do not fit.
          type: int
          returned: always
          sample: 385024
        cpu_mhz:
          description: Their CPU capacity in MHz.
          type: int
          returned: always
          sample: 96000
        cpu_reserved_mhz:
          description: The reservations of all running VMs of the cluster in MHz.
          type: int
          returned: always
          sample: 0
        cpu_free_mhz:
          description: The CPU capacity that is not reserved in MHz. Negative if the reservations do not fit.
          type: int
          returned: always
          sample: 96000
        sufficient:
          description: Whether there is a host at all and the reservations fit.
          type: bool
          returned: always
          sample: true
        shortage:
          description: Why it is not sufficient, or V(null).
          type: str
          returned: always
          sample: null
    after_failure:
      description:
        - What remains of the usable hosts without those of O(without) if the largest of them fails. Dedicated
          failover hosts count here.
      type: dict
      returned: always
      contains:
        <<: *capacity
        failed_host:
          description: The largest host, or V(null) if none is left.
          type: str
          returned: always
          sample: esx2.example.com
    datastores:
      description: The names of the datastores that at least one of its hosts sees.
      type: list
      elements: str
      returned: always
      sample: [nfs1]
    networks:
      description: The names of the networks that at least one of its hosts has.
      type: list
      elements: str
      returned: always
      sample: ['VM Network']
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.operation import ClusterInfo
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ClusterInfo())


if __name__ == "__main__":
    main()

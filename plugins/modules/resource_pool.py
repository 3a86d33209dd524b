#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of resource_pool; the implementation is in module_utils/_resource_pool."""

from __future__ import annotations

DOCUMENTATION = r"""
module: resource_pool
short_description: Manage resource pools
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates a resource pool in a cluster, sets what it reserves, its limits and its shares, or removes an empty one.
  - Values that are not given stay unchanged. A new pool has the defaults of the vSphere Client for them, which are no
    reservation, no limit, an expandable reservation, and normal shares.
  - One task can manage several pools. They are all checked before the first one is created, changed or removed, with
    what each of them leaves to the others.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.resource_pool
options:
  path:
    description:
      - The pool, as names between slashes below the cluster's root pool, such as V(prod/web).
      - Its parents must exist. Unlike M(gantry.vsphere.vm_folder) this module does not create them, because a pool
        divides the resources of the pool that it is in. A parent that was created by a misspelled path would take a
        share from all of its neighbors. List the parents in O(pools) too, or create them by an earlier task.
      - With a slash at the beginning it is a whole inventory path, such as V(/DC0/host/C0/Resources/prod/web).
      - Write a slash in a name as V(%2f), a backslash as V(%5c), and a percent sign as V(%25), as inventory paths do.
      - Exactly one of O(path) and O(pools) is required.
    type: str
  pools:
    description:
      - Several pools of one cluster. They are created parents first and removed parents last, in any order of the list.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - The pool, as O(path).
        type: str
        required: true
      cpu:
        description:
          - CPU for the VMs in the pool, as O(cpu).
        type: dict
        suboptions:
          reservation:
            description:
              - The CPU in MHz that is guaranteed to the pool, as O(cpu.reservation).
            type: int
          limit:
            description:
              - The most CPU in MHz that the pool uses, as O(cpu.limit).
            type: str
          expandable_reservation:
            description:
              - Whether VMs can reserve more than the pool's reservation, as O(cpu.expandable_reservation).
            type: bool
          shares:
            description:
              - The weight among its neighbors, as O(cpu.shares).
            type: str
      memory:
        description:
          - Memory for the VMs in the pool, as O(memory).
        type: dict
        suboptions:
          reservation:
            description:
              - The memory that is guaranteed to the pool, as O(memory.reservation).
            type: str
          limit:
            description:
              - The most memory that the pool uses, as O(memory.limit).
            type: str
          expandable_reservation:
            description:
              - Whether VMs can reserve more than the pool's reservation, as O(memory.expandable_reservation).
            type: bool
          shares:
            description:
              - The weight among its neighbors, as O(memory.shares).
            type: str
  cluster:
    description:
      - The cluster or standalone host that the pool is in, by name, inventory path or MoID.
      - It can be left out where there is only one, and where O(path) is a whole inventory path.
    type: str
  datacenter:
    description:
      - The datacenter that the cluster is in, by name or path. It selects one of several clusters of the same name.
    type: str
  cpu:
    description:
      - CPU for the VMs in the pool.
    type: dict
    suboptions:
      reservation:
        description:
          - The CPU in MHz that is guaranteed to the pool. V(0) reserves nothing.
        type: int
      limit:
        description:
          - The most CPU in MHz that the pool uses, or V(unlimited).
        type: str
      expandable_reservation:
        description:
          - Whether VMs can reserve more than the pool's reservation, as long as its parent has unreserved CPU.
          - Without it, and with a reservation of V(0), no VM with a reservation of CPU can be powered on in the pool.
        type: bool
      shares:
        description:
          - The weight among its neighbors when CPU is short, V(low), V(normal), V(high) or a number of shares.
          - The levels are 2000, 4000 and 8000 shares. Such a number is the same as the level.
        type: str
  memory:
    description:
      - Memory for the VMs in the pool.
    type: dict
    suboptions:
      reservation:
        description:
          - The memory that is guaranteed to the pool, as a number with a unit such as V(512M) or V(8G). V(0) reserves
            nothing.
          - Units are powers of 1024. vSphere takes whole MiB.
        type: str
      limit:
        description:
          - The most memory that the pool uses, as a number with a unit, or V(unlimited).
        type: str
      expandable_reservation:
        description:
          - Whether VMs can reserve more than the pool's reservation, as long as its parent has unreserved memory.
          - Without it, and with a reservation of V(0), no VM can be powered on in the pool, because each reserves at
            least its overhead.
        type: bool
      shares:
        description:
          - The weight among its neighbors when memory is short, V(low), V(normal), V(high) or a number of shares.
          - The levels are 81920, 163840 and 327680 shares. Such a number is the same as the level.
        type: str
  state:
    description:
      - With V(present), the pool exists with these values.
      - With V(absent), it does not exist. Only an empty pool is removed. A pool with VMs or pools in it is an error
        that names them, because vCenter would move them to the parent pool, where they would get other resources.
    type: str
    choices: [present, absent]
    default: present
  assume_drs:
    description:
      - Whether tasks before this one leave DRS of the cluster enabled. Pools are planned as if they had run, so that
        check mode predicts what a playbook does that enables or disables it first.
      - If it is not given, pools are planned with DRS as it is. If DRS is disabled when a pool is created, vCenter
        refuses that, whatever was assumed.
    type: bool
  assume_removed:
    description:
      - Names of VMs and pools that tasks before this one remove. With O(state=absent), the removal is planned
        as if they were gone, so that check mode predicts what a playbook does that removes them first.
      - What is still in the pool when it is removed is an error, whether it is listed here or not.
    type: list
    elements: str
    default: []
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.drs_cluster
  - module: gantry.vsphere.vm_folder
notes:
  - What vCenter would refuse is an error before anything is changed, also in check mode. That is a limit below the
    reservation, more reservation than the parent pool has left, and a new pool in a cluster with DRS disabled.
"""

EXAMPLES = r"""
- name: Create a pool that guarantees 4 GHz and 16 GiB, and uses at most 32 GiB
  gantry.vsphere.resource_pool:
    cluster: C0
    path: prod
    cpu:
      reservation: 4000
      shares: high
    memory:
      reservation: 16G
      limit: 32G

- name: Create a pool in it, which cannot reserve more than its own
  gantry.vsphere.resource_pool:
    cluster: C0
    path: prod/web
    memory:
      reservation: 8G
      expandable_reservation: false

- name: Divide a cluster into pools
  gantry.vsphere.resource_pool:
    cluster: C0
    pools:
      - path: prod
        cpu:
          shares: high
      - path: prod/web
        memory:
          reservation: 8G
      - path: test
        memory:
          limit: 16G

- name: Lift the limit, and leave all other values as they are
  gantry.vsphere.resource_pool:
    cluster: C0
    path: prod
    memory:
      limit: unlimited

- name: Remove a pool that is empty
  gantry.vsphere.resource_pool:
    cluster: C0
    path: prod/web
    state: absent
"""

RETURN = r"""
cluster:
  description: The inventory path of the cluster.
  returned: success, with O(path)
  type: str
  sample: /DC0/host/C0
resource_pool:
  description: The pool, or V(null) if it does not exist. Values are as the options take them.
  returned: success, with O(path)
  type: dict
  contains:
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/host/C0/Resources/prod
    moid:
      description: Its MoID. V(null) in check mode if it does not exist yet.
      type: str
      returned: always
      sample: resgroup-42
    cpu:
      description: Its reservation and limit in MHz, whether the reservation is expandable, and its shares.
      type: dict
      returned: always
      sample:
        reservation: 4000
        limit: unlimited
        expandable_reservation: true
        shares: high
    memory:
      description: Its reservation and limit in MiB, whether the reservation is expandable, and its shares.
      type: dict
      returned: always
      sample:
        reservation: 16384M
        limit: 32768M
        expandable_reservation: true
        shares: normal
resource_pools:
  description: The pools in the order of O(pools), each as RV(resource_pool), or V(null) if it does not exist.
  returned: success, with O(pools)
  type: list
  elements: dict
contents:
  description: The names of the VMs and pools in a pool that is not removed.
  returned: failure, if the pool is not empty
  type: list
  elements: str
  sample:
    - web1
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.operation import ResourcePool


def main() -> None:
    run_module(ResourcePool())


if __name__ == "__main__":
    main()

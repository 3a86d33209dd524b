#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_volume_info; the implementation is in module_utils/_volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_volume_info
short_description: Get facts about volumes for containers
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the volumes of M(gantry.vsphere.container_volume), all of them or selected ones, with the VMs that use them
    and their snapshots; of a volume that no VM uses also when it was detached, if that is known.
  - The number of requests does not depend on the number of volumes or VMs, except with O(snapshot_ages=true).
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_volume_info
options:
  name:
    description:
      - The names of the volumes. By default all of them.
      - A name that no volume has is not an error.
    type: list
    elements: str
    aliases: [names, volume_name]
  labels:
    description:
      - Labels that the volumes must have, with exactly these values.
    type: dict
  datacenter:
    description:
      - The datacenter that the volumes are in, by name or path. By default all datacenters.
    type: str
  datastore:
    description:
      - The datastore that the volumes are on, by name, inventory path or MoID.
    type: str
  unused:
    description:
      - With V(true), only volumes that no VM uses. With V(false), only those that a VM uses.
    type: bool
  snapshot_ages:
    description:
      - Whether to read when each snapshot was taken. It takes one request for each volume that has snapshots.
    type: bool
    default: false
  storage_policies:
    description:
      - Whether to read the storage policy of each volume. It takes three requests, and one more for each 500 volumes.
    type: bool
    default: false
seealso:
  - module: gantry.vsphere.container_volume
"""

EXAMPLES = r"""
- name: Get the snapshots of the volumes that are backed up daily
  gantry.vsphere.container_volume_info:
    labels:
      backup: daily
    snapshot_ages: true

- name: Get all volumes that no VM uses
  gantry.vsphere.container_volume_info:
    unused: true
  register: result

- name: Show how much they take, and since when they are not used
  ansible.builtin.debug:
    msg: >-
      {{ result.total_size_mb }} MiB in
      {{ dict(result.volumes | map(attribute='name') | zip(result.volumes | map(attribute='detached'))) }}
"""

RETURN = r"""
volumes:
  description:
    - The volumes in the order of their names, as RV(gantry.vsphere.container_volume#module:volume). Each snapshot
      also has its creation time with O(snapshot_ages=true), and otherwise V(null).
    - The storage policy is V(null) without O(storage_policies=true).
    - Disks that have the same name are all returned.
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop/data
      id: 4c2b1de2-8a83-4f7e-8f0e-1a3a4d1f5a10
      size_mb: 20480
      used_mb: 812
      datastore: shared0
      file: "[shared0] fcd/4c2b1de28a834f7e8f0e1a3a4d1f5a10.vmdk"
      storage_policy: null
      filesystem: ext4
      created: "2026-03-01T12:00:00+00:00"
      labels:
        backup: daily
      snapshots:
        - name: before-upgrade
          id: 0d9b6f39-21a9-4a53-8d6a-3b1f8b8f2a11
          created: "2026-03-02T08:00:00+00:00"
      attached_to: []
      detached: "2026-03-04T22:15:00+00:00"
total_size_mb:
  description: The sum of the sizes of these volumes, in MiB.
  returned: success
  type: int
  sample: 20480
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.operation import ContainerVolumeInfo


def main() -> None:
    run_module(ContainerVolumeInfo())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_volume; the implementation is in module_utils/_volume."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_volume
short_description: Manage volumes for containers
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, grows, labels, copies, snapshots, restores and deletes volumes, one or many at once.
  - A volume is a First Class Disk of vSphere, a virtual disk with an identity of its own. It is kept when the VM that
    uses it is deleted.
  - A volume is found by its name in a datacenter and, from then on, by its id. Its file has another path after
    snapshots and Storage vMotion.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_volume
options:
  name:
    description:
      - The name of the volume. Parts are separated by slashes, such as V(shop/data).
      - It is unique in a datacenter. It is stored with the disk as the metadata C(gantry.volume).
    type: str
    aliases: [volume_name]
  size:
    description:
      - The size, such as V(10G), in whole MiB. It is required to create a volume, except for a copy.
      - A volume grows to a larger size, also while a VM uses it, but not while it has snapshots. A smaller size is an
        error. Volumes are never shrunk.
      - The file system in the volume is not changed.
    type: str
  datastore:
    description:
      - The datastore on which the volume is created, by name, inventory path or MoID. It can be left out where there is
        only one.
      - It does not move a volume that exists. A volume moves with the VM that uses it.
    type: str
  datastore_cluster:
    description:
      - The datastore cluster on which the volume is created instead, on the datastore with the most free space.
    type: str
  filesystem:
    description:
      - The file system of a new volume, which the guest creates when a container uses it for the first time. Without
        this option, it is V(ext4), and a copy has that of O(source).
      - V(xfs) needs 300 MiB at least.
      - The file system of a volume that exists cannot be changed. If it is another one, that is an error.
    type: str
    choices: [ext4, xfs]
  storage_policy:
    description:
      - The storage policy of the volume, by name. Without this option, a new volume has the default policy of its
        datastore, and the policy of a volume that exists stays unchanged.
      - A new volume is created on a datastore that vCenter finds compatible with the policy, of O(datastore) or
        O(datastore_cluster) if given, and otherwise of the datacenter. Of several, it is the one with the most free
        space.
      - The policy of a volume that exists is changed in place, also while a VM uses it. If its datastore is not
        compatible with the new policy, that is an error, since the volume would have to move.
    type: str
  provisioning:
    description:
      - Whether a new volume takes its space as it is written (V(thin)), at once (V(lazy_zeroed)), or at once and with
        zeros written to all of it (V(eager_zeroed)).
      - Without it, the volume is thin. It does not change a volume that exists.
    type: str
    choices: [thin, lazy_zeroed, eager_zeroed]
  labels:
    description:
      - The labels of the volume, all of them. Without this option they stay unchanged.
      - Values must be strings.
    type: dict
  snapshots:
    description:
      - Snapshots that the volume is to have, or not to have. Others stay unchanged.
      - While a volume has snapshots, vSphere neither grows nor deletes it.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the snapshot. vSphere shows it as the description.
        type: str
        required: true
      state:
        description:
          - With V(present), a snapshot is taken unless there is one of this name. With V(absent), all snapshots of this
            name are removed, and the volume keeps its data.
        type: str
        choices: [present, absent]
        default: present
  restore:
    description:
      - The snapshot from which the volume is restored. What was written since then is discarded, and so are the later
        snapshots, so that O(confirm_data_loss=true) is required.
      - This is done in every run of the task. The volume must not be attached to a VM.
    type: str
  source:
    description:
      - The volume that a new volume is a copy of, by its name. It must exist before the task.
      - The copy is made without the snapshots. This option does not change a volume that exists.
    type: str
  source_snapshot:
    description:
      - The snapshot of O(source) that a new volume is a copy of, by its name. Without it, the volume is copied
        as it is.
      - The copy is created on the datastore of the source, with its provisioning, so that no other can be given. This
        option does not change a volume that exists.
    type: str
  volumes:
    description:
      - Volumes, instead of a single one. All are checked before the first is changed, and then changed in parallel.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the volume, as O(name).
        type: str
        required: true
      size:
        description:
          - The size, such as V(10G), in whole MiB. It is required to create a volume, except for a copy.
          - A volume grows to a larger size, also while a VM uses it, but not while it has snapshots. A smaller size is
            an error. Volumes are never shrunk.
          - The file system in the volume is not changed.
        type: str
      datastore:
        description:
          - The datastore on which the volume is created, by name, inventory path or MoID. It can be left out where
            there is only one.
          - It does not move a volume that exists. A volume moves with the VM that uses it.
        type: str
      datastore_cluster:
        description:
          - The datastore cluster on which the volume is created instead, on the datastore with the most free space.
        type: str
      filesystem:
        description:
          - The file system of a new volume, which the guest creates when a container uses it for the first time.
            Without this option, it is V(ext4), and a copy has that of O(volumes[].source).
          - V(xfs) needs 300 MiB at least.
          - The file system of a volume that exists cannot be changed. If it is another one, that is an error.
        type: str
        choices: [ext4, xfs]
      storage_policy:
        description:
          - The storage policy of the volume, by name. Without this option, a new volume has the default policy of its
            datastore, and the policy of a volume that exists stays unchanged.
          - A new volume is created on a datastore that vCenter finds compatible with the policy, of
            O(volumes[].datastore) or O(volumes[].datastore_cluster) if given, and otherwise of the datacenter. Of
            several, it is the one with the most free space.
          - The policy of a volume that exists is changed in place, also while a VM uses it. If its datastore is not
            compatible with the new policy, that is an error, since the volume would have to move.
        type: str
      provisioning:
        description:
          - Whether a new volume takes its space as it is written (V(thin)), at once (V(lazy_zeroed)), or at once and
            with zeros written to all of it (V(eager_zeroed)).
          - Without it, the volume is thin. It does not change a volume that exists.
        type: str
        choices: [thin, lazy_zeroed, eager_zeroed]
      labels:
        description:
          - The labels of the volume, all of them. Without this option they stay unchanged.
          - Values must be strings.
        type: dict
      snapshots:
        description:
          - Snapshots that the volume is to have, or not to have. Others stay unchanged.
          - While a volume has snapshots, vSphere neither grows nor deletes it.
        type: list
        elements: dict
        suboptions:
          name:
            description:
              - The name of the snapshot. vSphere shows it as the description.
            type: str
            required: true
          state:
            description:
              - With V(present), a snapshot is taken unless there is one of this name. With V(absent), all snapshots of
                this name are removed, and the volume keeps its data.
            type: str
            choices: [present, absent]
            default: present
      restore:
        description:
          - The snapshot from which the volume is restored. What was written since then is discarded, and so are the
            later snapshots, so that O(confirm_data_loss=true) is required.
          - This is done in every run of the task. The volume must not be attached to a VM.
        type: str
      source:
        description:
          - The volume that a new volume is a copy of, by its name. It must exist before the task.
          - The copy is made without the snapshots. This option does not change a volume that exists.
        type: str
      source_snapshot:
        description:
          - The snapshot of O(volumes[].source) that a new volume is a copy of, by its name. Without it, the volume is
            copied as it is.
          - The copy is created on the datastore of the source, with its provisioning, so that no other can be given.
            This option does not change a volume that exists.
        type: str
  datacenter:
    description:
      - The datacenter, by name or path. It can be left out where there is only one.
    type: str
  state:
    description:
      - With V(present), the volume exists.
      - With V(absent), it does not exist. Its data is deleted, so that O(confirm_data_loss=true) is required. A volume
        that is attached to a VM, or that has snapshots not listed in O(snapshots) with state V(absent), is an error.
    type: str
    choices: [present, absent]
    default: present
  confirm_data_loss:
    description:
      - Confirms that data is deleted by O(state=absent), or overwritten by O(restore).
    type: bool
    default: false
seealso:
  - module: gantry.vsphere.container_volume_info
notes:
  - Two tasks that create a volume of the same name at the same time are noticed when vCenter has created both. The one
    that was created later is removed again, and its task fails.
  - What vSphere would refuse is an error before anything is changed, also in check mode.
"""

EXAMPLES = r"""
- name: Create a volume, or let it grow
  gantry.vsphere.container_volume:
    name: shop/data
    size: 20G
    datastore: shared0
    labels:
      backup: daily

- name: Create a volume on the datastore with the most free space that satisfies a storage policy
  gantry.vsphere.container_volume:
    name: shop/archive
    size: 100G
    storage_policy: gold

- name: Take a snapshot of several volumes before an upgrade
  gantry.vsphere.container_volume:
    volumes:
      - name: shop/data
        snapshots:
          - name: before-upgrade
      - name: shop/queue
        snapshots:
          - name: before-upgrade

- name: Go back to it
  gantry.vsphere.container_volume:
    name: shop/data
    restore: before-upgrade
    confirm_data_loss: true

- name: Copy a volume for a test
  gantry.vsphere.container_volume:
    name: test/data
    source: shop/data

- name: Copy it as it was before the upgrade
  gantry.vsphere.container_volume:
    name: test/before
    source: shop/data
    source_snapshot: before-upgrade

- name: Delete a volume with its data and its snapshot
  gantry.vsphere.container_volume:
    name: shop/data
    snapshots:
      - name: before-upgrade
        state: absent
    state: absent
    confirm_data_loss: true
"""

RETURN = r"""
volume:
  description: The volume, or V(null) if it does not exist.
  returned: success, if O(name) is given
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: shop/data
    id:
      description: The id of the First Class Disk. V(null) in check mode if it does not exist yet.
      type: str
      returned: always
      sample: 4c2b1de2-8a83-4f7e-8f0e-1a3a4d1f5a10
    size_mb:
      description: Its size in MiB.
      type: int
      returned: always
      sample: 20480
    used_mb:
      description: The space that it takes with its snapshots, in MiB. V(null) if vCenter does not know it now.
      type: int
      returned: always
      sample: 812
    datastore:
      description: The name of the datastore that it is on.
      type: str
      returned: always
      sample: shared0
    file:
      description: The path of its file now. It changes, and identifies nothing.
      type: str
      returned: always
      sample: "[shared0] fcd/4c2b1de28a834f7e8f0e1a3a4d1f5a10.vmdk"
    storage_policy:
      description:
        - The name of its storage policy. V(null) if it has none, or if the task does not give O(storage_policy),
          without which it is not read.
      type: str
      returned: always
      sample: null
    filesystem:
      description: Its file system, which the guest creates at its first use.
      type: str
      returned: always
      sample: ext4
    created:
      description: When it was created.
      type: str
      returned: always
      sample: "2026-03-01T12:00:00+00:00"
    labels:
      description: Its labels.
      type: dict
      returned: always
      sample:
        backup: daily
    snapshots:
      description: Its snapshots, the oldest first, with name and id.
      type: list
      elements: dict
      returned: always
      sample:
        - name: before-upgrade
          id: 0d9b6f39-21a9-4a53-8d6a-3b1f8b8f2a11
    attached_to:
      description: The names of the VMs that it is attached to.
      type: list
      elements: str
      returned: always
      sample:
        - web
    detached:
      description:
        - When a task of this collection last detached it, if no VM uses it.
        - V(null) if a VM uses it, or if the time is not known. It is not known if no VM has used the volume yet, if
          another client has detached it, or if the user of the task may not write the metadata of the disk, of which a
          warning says so. A use by another client since then is not noticed.
      type: str
      returned: always
      sample: null
volumes:
  description: RV(volume) for each of O(volumes), in their order.
  returned: success, if O(volumes) is given
  type: list
  elements: dict
users:
  description: The VMs that a volume is attached to that is not deleted or restored.
  returned: failure, if a volume is attached
  type: list
  elements: str
  sample:
    - web
snapshots:
  description: The snapshots of a volume that is not deleted or grown.
  returned: failure, if a volume has snapshots
  type: list
  elements: str
  sample:
    - before-upgrade
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.operation import ContainerVolume


def main() -> None:
    run_module(ContainerVolume())


if __name__ == "__main__":
    main()

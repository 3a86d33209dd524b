#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of vm_folder; the implementation is in module_utils/_vm_folder."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_folder
short_description: Manage folders of VMs
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates the folders of a path below a datacenter's VM folder, as C(mkdir -p) does, or removes an empty folder.
  - One task can manage several folders. They are all checked before the first one is created or removed.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.vm_folder
options:
  path:
    description:
      - The folder, as names between slashes below the datacenter's VM folder, such as V(prod/web). Folders that do not
        exist are created with their parents.
      - With a slash at the beginning it is a whole inventory path, such as V(/DC0/vm/prod/web). It must lead below a
        datacenter's VM folder.
      - Write a slash in a name as V(%2f), a backslash as V(%5c), and a percent sign as V(%25), as inventory paths do.
      - Exactly one of O(path) and O(paths) is required.
    type: str
  paths:
    description:
      - Several folders, each as in O(path). They are created parents first and removed parents last, in any order of
        the list.
    type: list
    elements: str
  datacenter:
    description:
      - The datacenter, by name or path.
      - It can be left out where there is only one, and where O(path) is a whole inventory path.
    type: str
  state:
    description:
      - With V(present), the folder exists.
      - With V(absent), it does not exist. Only an empty folder is removed, and only this one, not its parents. A folder
        with VMs, vApps or folders in it is an error that names them, because vCenter would remove them with it.
    type: str
    choices: [present, absent]
    default: present
  when_not_empty:
    description:
      - What becomes of a folder with O(state=absent) that is not empty.
      - With V(fail), that is an error that names what is in it. With V(keep), the folder stays.
    type: str
    choices: [fail, keep]
    default: fail
  assume_removed:
    description:
      - Names of VMs and folders that tasks before this one remove. With O(state=absent), the removal is planned
        as if they were gone, so that check mode predicts what a playbook does that removes them first.
      - What is still in the folder when it is removed is an error, whether it is listed here or not.
    type: list
    elements: str
    default: []
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.resource_pool
notes:
  - A folder is removed by a method that would unregister VMs and keep their files. So a VM that somebody puts into the
    folder at that very moment loses no disk.
"""

EXAMPLES = r"""
- name: Create a folder and its parents
  gantry.vsphere.vm_folder:
    path: prod/web

- name: Create a folder in one of several datacenters
  gantry.vsphere.vm_folder:
    datacenter: DC1
    path: tenants/blue

- name: Create a folder whose name has a slash in it
  gantry.vsphere.vm_folder:
    path: prod/frontend%2fbackend

- name: Create several folders
  gantry.vsphere.vm_folder:
    datacenter: DC1
    paths:
      - tenants/blue
      - tenants/green

- name: Remove a folder that is empty
  gantry.vsphere.vm_folder:
    path: /DC0/vm/prod/web
    state: absent
"""

RETURN = r"""
folder:
  description: The folder, or V(null) if it does not exist.
  returned: success, with O(path)
  type: dict
  contains:
    path:
      description: Its inventory path.
      type: str
      returned: always
      sample: /DC0/vm/prod/web
    moid:
      description: Its MoID. V(null) in check mode if it does not exist yet.
      type: str
      returned: always
      sample: group-v42
folders:
  description: The folders in the order of O(paths), each as RV(folder), or V(null) if it does not exist.
  returned: success, with O(paths)
  type: list
  elements: dict
created:
  description: The inventory paths of the folders that were created, parents first.
  returned: success
  type: list
  elements: str
  sample:
    - /DC0/vm/prod
    - /DC0/vm/prod/web
contents:
  description: The names of what is in a folder that is not removed.
  returned: failure, if the folder is not empty
  type: list
  elements: str
  sample:
    - web1
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.operation import VmFolder


def main() -> None:
    run_module(VmFolder())


if __name__ == "__main__":
    main()

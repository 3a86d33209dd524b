#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of access; the implementation is in module_utils/_access."""

from __future__ import annotations

DOCUMENTATION = r"""
module: access
short_description: Manage roles and permissions of vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes and removes roles, and gives roles to users and groups on objects of the inventory.
  - Presets are roles with the privileges that the modules of this collection require, for four kinds of users.
  - One task manages all roles and permissions of a project. Roles and permissions that are not listed stay as they are.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.access
options:
  roles:
    description:
      - The roles. A role is created before it is given to anybody, and removed after it is taken from everybody.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name of the role.
        type: str
        required: true
      preset:
        description:
          - The privileges that the modules of a kind of user require.
          - With V(operator), all modules of this collection, except this one.
          - With V(deployer), M(gantry.vsphere.container_vm) and M(gantry.vsphere.container_set), with images that
            others import.
          - With V(image_publisher), M(gantry.vsphere.bootstrap_image), M(gantry.vsphere.container_image) and
            M(gantry.vsphere.container_image_prune).
          - With V(viewer), the modules and the inventory plugin that only read.
          - The security guide lists the privileges, and the objects on which each kind of user requires the role.
        type: str
        choices: [deployer, image_publisher, operator, viewer]
      privileges:
        description:
          - Privileges by their names in the API, such as V(VirtualMachine.Interact.PowerOn). They are added to those of
            O(roles[].preset), if it is given.
          - The role has exactly the privileges that the task lists, in any order. V(System.Anonymous), V(System.Read)
            and V(System.View), which every role has, need not be listed.
          - A role without other privileges is made by an empty list, or by the preset V(viewer).
        type: list
        elements: str
      state:
        description:
          - With V(present), the role exists with these privileges. This requires O(roles[].preset) or
            O(roles[].privileges).
          - With V(absent), it does not exist. A role that is in use is an error that lists where, because vCenter would
            remove its permissions with it.
        type: str
        choices: [present, absent]
        default: present
  permissions:
    description:
      - The permissions. A user or group has one permission on each object, so another role replaces the one that it
        has there.
    type: list
    elements: dict
    default: []
    suboptions:
      principal:
        description:
          - The user or group with its domain, as V(VSPHERE.LOCAL\\ann) or V(ann@vsphere.local). Letter case is ignored.
          - For other domains than those of vCenter Single Sign-On, write it as the vSphere Client shows it, since the
            short name of a domain is not always a part of its long one.
        type: str
        required: true
      group:
        description:
          - Whether O(permissions[].principal) is a group.
        type: bool
        default: false
      role:
        description:
          - The role, by its name, or by the name that the vSphere Client shows, such as V(Read-only).
          - It is required with O(permissions[].state=present).
        type: str
      object_type:
        description:
          - The type of the object. V(root) is the root folder, above all datacenters; V(folder) is a VM folder.
          - The folder of all VMs of a datacenter has the permissions of the datacenter, and the root resource pool
            those of the cluster. Use these types for them.
        type: str
        required: true
        choices: [root, datacenter, folder, resource_pool, cluster, host, datastore, network]
      object:
        description:
          - The object, by name, inventory path or MoID. A folder is given by its path, such as V(tenants/blue).
          - For V(datacenter), V(cluster) and V(datastore) it can be left out if there is only one.
        type: str
      cluster:
        description:
          - The cluster that a resource pool is in. It can be left out if there is only one.
        type: str
      datacenter:
        description:
          - The datacenter that the object is in. By default, it is O(datacenter).
        type: str
      propagate:
        description:
          - Whether the permission is inherited by what is in the object.
        type: bool
        default: true
      state:
        description:
          - With V(present), the user or group has the role on the object.
          - With V(absent), it has no permission on the object itself. It may still inherit one. A folder, resource
            pool or network that does not exist has no permissions.
        type: str
        choices: [present, absent]
        default: present
  datacenter:
    description:
      - The datacenter that the objects are in, by name or path. It can be left out if there is only one.
    type: str
  assume_created:
    description:
      - Folders, resource pools and networks that tasks before this one create, by their paths. A permission on one that
        does not exist yet is planned as if it did, so that check mode predicts what a playbook does that creates it
        first.
      - An object that still does not exist when a permission on it is set is an error.
    type: list
    elements: str
    default: []
seealso:
  - module: gantry.vsphere.vm_folder
  - module: gantry.vsphere.resource_pool
notes:
  - What vCenter would refuse is an error before anything is changed, also in check mode. That is a privilege, role,
    user or group that does not exist, a change of a system role, and the removal of a role that is in use.
  - A task that would take the privilege C(Authorization.ModifyPermissions) from its own user on any object is an error,
    because the user could not undo it.
  - Nobody can give privileges away without having them. So the user of this module also requires each privilege of the
    roles, on the root folder to define a role and on the object to give it.
"""

EXAMPLES = r"""
- name: Let a team deploy containers into its folder and its resource pool
  gantry.vsphere.access:
    datacenter: DC0
    roles:
      - name: container-deployer
        preset: deployer
      - name: container-viewer
        preset: viewer
    permissions:
      - principal: VSPHERE.LOCAL\blue
        group: true
        role: container-viewer
        object_type: datacenter
        object: DC0
      - principal: VSPHERE.LOCAL\blue
        group: true
        role: container-deployer
        object_type: folder
        object: tenants/blue
      - principal: VSPHERE.LOCAL\blue
        group: true
        role: container-deployer
        object_type: resource_pool
        object: tenants/blue
        cluster: C0

- name: Define a role with privileges of its own
  gantry.vsphere.access:
    roles:
      - name: container-restarter
        privileges:
          - VirtualMachine.Interact.PowerOff
          - VirtualMachine.Interact.PowerOn

- name: Take a role from everybody who has it, and remove it
  gantry.vsphere.access:
    roles:
      - name: container-deployer
        state: absent
    permissions:
      - principal: VSPHERE.LOCAL\blue
        group: true
        object_type: folder
        object: tenants/blue
        state: absent
"""

RETURN = r"""
roles:
  description: The roles of O(roles) that exist, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
      returned: always
      sample: container-restarter
    privileges:
      description: Its privileges, without the three that every role has.
      type: list
      elements: str
      returned: always
      sample:
        - VirtualMachine.Interact.PowerOff
        - VirtualMachine.Interact.PowerOn
permissions:
  description: The permissions of O(permissions) that exist, in their order.
  returned: success
  type: list
  elements: dict
  contains:
    object:
      description: The inventory path of the object.
      type: str
      returned: always
      sample: /DC0/vm/tenants/blue
    principal:
      description: The user or group.
      type: str
      returned: always
      sample: VSPHERE.LOCAL\blue
    group:
      description: Whether it is a group.
      type: bool
      returned: always
    role:
      description: The name of its role.
      type: str
      returned: always
      sample: container-deployer
    propagate:
      description: Whether the permission is inherited by what is in the object.
      type: bool
      returned: always
uses:
  description: Who has a role that is not removed, and where.
  returned: failure, if a role is in use
  type: list
  elements: str
  sample:
    - VSPHERE.LOCAL\blue on /DC0/vm/tenants/blue
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._access.operation import Access
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(Access())


if __name__ == "__main__":
    main()

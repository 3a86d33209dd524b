#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_stack_info; what it does is in module_utils/_container_stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_stack_info
short_description: List Compose projects that run as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the stacks that M(gantry.vsphere.container_stack) has created, with their services and containers.
  - They are found by the labels C(com.docker.compose.project) and C(com.docker.compose.service) of containers, so no
    Compose file is read.
  - The number of requests depends neither on the number of stacks nor on that of virtual machines.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_stack_info
options:
  name:
    description:
      - The names of the stacks. By default all of them.
      - A name that no stack has is not an error.
    type: list
    elements: str
    aliases: [names]
  datacenter:
    description:
      - The datacenter that the containers are in, by name or path.
    type: str
  folder:
    description:
      - The folder that the containers are in or below, by its path below the datacenter's or its inventory path.
    type: str
seealso:
  - module: gantry.vsphere.container_stack
  - module: gantry.vsphere.container_vm_info
"""

EXAMPLES = r"""
- name: List all stacks
  gantry.vsphere.container_stack_info:
  register: result

- name: Check that all web servers of the shop are healthy
  gantry.vsphere.container_stack_info:
    name: [shop]
  register: shop
  failed_when: shop.stacks[0].services | selectattr('name', 'eq', 'web') | map(attribute='healthy') | first < 3
"""

RETURN = r"""
stacks:
  description: The stacks, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the project.
      type: str
      returned: always
      sample: shop
    services:
      description: The services that have containers, by name.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: The name of the service. It is empty for containers without the label of a service.
          type: str
          returned: always
          sample: web
        containers:
          description: The names of its containers, in the order of their paths.
          type: list
          elements: str
          returned: always
          sample: [shop-web-1, shop-web-2]
        images:
          description: The references of their images. There are several while an update is not finished.
          type: list
          elements: str
          returned: always
          sample: [registry.example.com/shop/web:1.4]
        running:
          description: How many of its containers run.
          type: int
          returned: always
          sample: 2
        healthy:
          description: How many of them are healthy. A container without a health check is not counted.
          type: int
          returned: always
          sample: 2
        completed:
          description: How many of its containers have ended with exit code 0, as jobs do.
          type: int
          returned: always
          sample: 0
    containers:
      description: Its containers, in the order of their paths, as M(gantry.vsphere.container_vm_info) returns them.
      type: list
      elements: dict
      returned: always
      sample:
        - name: shop-web-1
          state: running
          health: healthy
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStackInfo
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerStackInfo())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of bootstrap_image; what it does is in module_utils/_bootstrap."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_image
short_description: Keep the ISO that containers boot from in a datastore
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - All containers boot the same small ISO, with the kernel and the init. This module uploads it to a datastore, where
    M(gantry.vsphere.container_vm) finds it.
  - The file is named by its version and its content. Several versions can lie side by side; a container keeps the one
    that it was made with until it is given another.
  - An ISO is uploaded under another name and moved into its place when it is whole. An upload that was interrupted is
    made good by the next run.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
options:
  src:
    description:
      - The path of the ISO on the machine where the task runs. The version is read from the ISO.
      - Required with O(state=present).
    type: path
  version:
    description:
      - With O(state=absent) and without O(src), the version to remove.
      - With O(src), the version that the ISO must have.
    type: str
  state:
    description:
      - V(present) uploads the ISO unless a file of its name and size is there.
      - V(absent) removes it. An ISO that a VM has in its drive is not removed; the VMs are named.
    type: str
    choices: [present, absent]
    default: present
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
  datastore:
    description:
      - The datastore, by name, path or MoID. It should be one that all hosts that are to run the containers can reach.
        It may be left out if the datacenter has only one.
    type: str
seealso:
  - module: gantry.vsphere.container_vm
notes:
  - The file is put below C(gantry/bootstrap) in the datastore, which is created. On vSAN and vVols a folder at the top
    of a datastore cannot be created by this module yet; choose another datastore for the ISO.
"""

EXAMPLES = r"""
- name: Have the bootstrap in place
  gantry.vsphere.bootstrap_image:
    src: files/gantry-bootstrap.iso
    datastore: nfs0
  register: result

- name: Give one container the new bootstrap
  gantry.vsphere.container_vm:
    name: web
    image: docker.io/library/nginx:1.27
    bootstrap: "{{ result.bootstrap.path }}"

- name: Remove an old version that nothing uses any more
  gantry.vsphere.bootstrap_image:
    version: 0.1.0
    state: absent
    datastore: nfs0
"""

RETURN = r"""
bootstrap:
  description: The ISO in the datastore, or V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    path:
      description: The path in the datastore.
      type: str
      returned: always
      sample: '[nfs0] gantry/bootstrap/gantry-bootstrap-0.1.0-0123456789ab.iso'
    datastore:
      description: The name of the datastore.
      type: str
      returned: always
      sample: nfs0
    version:
      description: The version that the ISO says it is.
      type: str
      returned: always
      sample: 0.1.0
    sha256:
      description: The SHA-256 of the ISO.
      type: str
      returned: always
      sample: 0123456789abf0a2c94e71d5f8b36e0c7d91a4b2e85f60c3d71a92b4e6f80c5d
    size:
      description: The size of the ISO in bytes.
      type: int
      returned: always
      sample: 19818496
actions:
  description: What was done, or would be done in check mode, in its order.
  returned: success
  type: list
  elements: str
  sample: ['upload [nfs0] gantry/bootstrap/gantry-bootstrap-0.1.0-0123456789ab.iso']
in_use_by:
  description: The paths of the VMs that have an ISO which was to be removed in their drive.
  returned: failure, when the ISO is in use
  type: list
  elements: str
  sample: ["/DC0/vm/apps/web"]
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.operation import BootstrapImage
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(BootstrapImage())


if __name__ == "__main__":
    main()

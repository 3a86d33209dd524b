#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of bootstrap_image; what it does is in module_utils/_bootstrap."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bootstrap_image
short_description: Manage the bootstrap ISO of containers on a datastore
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - All containers boot the same small ISO, which contains the kernel and the init. This module uploads it to a
    datastore, where M(gantry.vsphere.container_vm) finds it.
  - The file name contains the version and a hash of the content. Several versions can be stored at the same time. A
    container keeps the ISO that it was created with until another one is configured.
  - An ISO that was cut off, for example by an interrupted download, is refused. Its volume descriptors give its size.
  - The ISO is uploaded under a temporary name, its size in the datastore is verified, and then it is renamed. After an
    interrupted upload, the next run removes the temporary file and uploads the ISO again.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
options:
  src:
    description:
      - The path of the ISO on the machine where the task runs. The ISO contains its version.
      - Required with O(state=present).
    type: path
  version:
    description:
      - With O(state=absent) and without O(src), the version to remove.
      - With O(src), the version that the ISO must have.
    type: str
  state:
    description:
      - V(present) uploads the ISO unless the datastore has a file with its name and size.
      - V(absent) removes it. An ISO that is in the CD drive of a VM is not removed; the error names the VMs.
    type: str
    choices: [present, absent]
    default: present
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
  datastore:
    description:
      - The datastore, by name, path or MoID. All hosts that run containers should have access to it.
        It may be left out if the datacenter has only one.
    type: str
seealso:
  - module: gantry.vsphere.container_vm
notes:
  - The file is stored in the folder C(gantry/bootstrap) of the datastore. The folder is created if it does not exist.
    On vSAN and vVols this module cannot create a folder at the top of a datastore yet; use another datastore for the
    ISO.
  - M(gantry.vsphere.container_vm) uses the ISO that was uploaded last, and ignores files that are smaller than their
    volume descriptors say.
"""

EXAMPLES = r"""
- name: Upload the bootstrap ISO
  gantry.vsphere.bootstrap_image:
    src: files/gantry-bootstrap.iso
    datastore: nfs0
  register: result

- name: Use the new bootstrap ISO for one container
  gantry.vsphere.container_vm:
    name: web
    image: docker.io/library/nginx:1.27
    bootstrap: "{{ result.bootstrap.path }}"

- name: Remove an old version that is no longer used
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
      description: The version of the ISO.
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
  description: The actions in their order. In check mode, the actions that would be done.
  returned: success
  type: list
  elements: str
  sample: ['upload [nfs0] gantry/bootstrap/gantry-bootstrap-0.1.0-0123456789ab.iso']
in_use_by:
  description: The inventory paths of the VMs that have the ISO to be removed in their CD drive.
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

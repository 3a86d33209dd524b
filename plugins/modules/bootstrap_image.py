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
  - In check mode, the ISO is read or downloaded to the machine where the task runs, and nothing is sent to vCenter.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.registry
  - gantry.vsphere.removal
  - gantry.vsphere.privileges.bootstrap_image
options:
  src:
    description:
      - Where the ISO is. The ISO contains its version.
      - Without it, the ISO of the Python package C(gantry-vsphere-runtime) is used. The package must be installed for
        the Python interpreter that runs the task.
      - A path on the machine where the task runs.
      - "An C(https://) URL. It requires O(checksum). The file is downloaded once and kept in the image cache of the
        machine, where the checksum is verified again before each use. Proxies are configured by the usual environment
        variables, and a CA that the system does not trust by C(SSL_CERT_FILE)."
      - "An C(oci://) reference of an artifact with one file, as C(oras push) stores it, for example
        C(oci://registry.example.com/gantry/bootstrap:1.1.0). It is read by C(skopeo), as images are."
      - A URL is shown in logs. Do not put credentials in it; set C(no_log) for the task if its query has a token.
    type: path
  checksum:
    description:
      - The SHA-256 that the ISO must have, as C(sha256:) and 64 hexadecimal digits.
      - Required if O(src) is an C(https://) URL.
    type: str
  url_username:
    description:
      - The user at the web server, if O(src) is a URL. Requires O(url_password).
    type: str
  url_password:
    description:
      - The password of O(url_username). It is not sent to other servers that the URL is redirected to.
    type: str
  version:
    description:
      - With O(state=present) or O(src), the version that the ISO must have.
      - With O(state=absent) and without O(src), the version to remove. Without both, the ISO of the package
        C(gantry-vsphere-runtime) is removed.
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
- name: Upload the bootstrap ISO of the installed package gantry-vsphere-runtime
  gantry.vsphere.bootstrap_image:
    datastore: nfs0
  register: result

- name: Upload a bootstrap ISO from a file
  gantry.vsphere.bootstrap_image:
    src: files/gantry-bootstrap.iso
    datastore: nfs0

- name: Upload a bootstrap ISO from a web server
  gantry.vsphere.bootstrap_image:
    src: https://files.example.com/gantry-bootstrap-1.1.0.iso
    checksum: sha256:0123456789abf0a2c94e71d5f8b36e0c7d91a4b2e85f60c3d71a92b4e6f80c5d
    datastore: nfs0

- name: Upload a bootstrap ISO from a registry
  gantry.vsphere.bootstrap_image:
    src: oci://registry.example.com/gantry/bootstrap:1.1.0
    registry_username: ci
    registry_password: "{{ registry_token }}"
    datastore: nfs0

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

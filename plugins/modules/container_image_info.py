#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_image_info; the implementation is in module_utils/_image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image_info
short_description: Get facts about the container images in vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the images in a datacenter that M(gantry.vsphere.container_image) manages, and the VMs that are linked
    clones of them.
  - It queries vCenter only, never a registry.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_image_info
options:
  name:
    description:
      - The reference of an image, with a tag or a digest. By default all images are returned.
      - It is not an error if no image has the reference. The list is then empty.
    type: str
    aliases: [image]
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
seealso:
  - module: gantry.vsphere.container_image
  - module: gantry.vsphere.container_image_prune
"""

EXAMPLES = r"""
- name: List all images
  gantry.vsphere.container_image_info:
    datacenter: DC0
  register: result

- name: Show the images that are not in use
  ansible.builtin.debug:
    msg: "{{ result.images | rejectattr('in_use_by') | map(attribute='references') }}"

- name: Get facts about one image
  gantry.vsphere.container_image_info:
    name: docker.io/library/nginx:1.27
"""

RETURN = r"""
images:
  description: The images, in the order of their paths.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the template.
      type: str
      returned: always
      sample: gantry-image-4c0fdaa8b634-9d3b1f0c
    moid:
      description: The managed object id of the template.
      type: str
      returned: always
      sample: vm-1017
    path:
      description: The inventory path of the template.
      type: str
      returned: always
      sample: /DC0/vm/gantry-images/gantry-image-4c0fdaa8b634-9d3b1f0c
    datastore:
      description: The datastore that the template is on.
      type: str
      returned: always
      sample: vsan0
    state:
      description: V(ready), or V(importing) for an import that is running or was interrupted.
      type: str
      returned: always
      sample: ready
    reference:
      description: The reference that was used for the first import.
      type: str
      returned: always
      sample: nginx:1.27
    references:
      description: All references to this image, in their full form.
      type: list
      elements: str
      returned: always
      sample: ["docker.io/library/nginx:1.27"]
    digest:
      description: The digest of the image's manifest for the platform.
      type: str
      returned: always
      sample: sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac
    disk:
      description: The content id of the disk. It depends on the digest and on the version of the converter.
      type: str
      returned: always
      sample: 9d3b1f0c5a7e4b2d8c6f1e0a3b5d7f9c1e3a5b7d9f1c3e5a7b9d1f3c5e7a9b1d
    capacity_bytes:
      description: The size of the disk.
      type: int
      returned: always
      sample: 56623104
    imported:
      description: When the template was created, by vCenter's clock; V(null) if vCenter does not know.
      type: str
      returned: always
      sample: '2026-01-15T08:00:12.401000+00:00'
    size_bytes:
      description: The space that the files of the template take; V(null) if vCenter does not know.
      type: int
      returned: always
      sample: 48211968
    created:
      description: The build time in the image configuration.
      type: str
      returned: always
      sample: '2026-01-14T10:12:44Z'
    config:
      description: The configuration of the image, such as C(Env), C(Entrypoint), C(Cmd) and C(User).
      type: dict
      returned: always
      sample: {"Cmd": ["nginx", "-g", "daemon off;"], "architecture": "amd64", "os": "linux"}
    in_use_by:
      description: The inventory paths of the linked clones of the template.
      type: list
      elements: str
      returned: always
      sample: ["/DC0/vm/apps/web"]
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._image.operation import ContainerImageInfo


def main() -> None:
    run_module(ContainerImageInfo())


if __name__ == "__main__":
    main()

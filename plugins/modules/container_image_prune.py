#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_image_prune; what it does is in module_utils/_image_prune."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image_prune
short_description: Remove unused container images from vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Removes the templates of images that nothing uses, and what interrupted imports have left. Images are imported by
    M(gantry.vsphere.container_image).
  - An image is in use if a VM is a linked clone of its template, or if a container VM in the datacenter records that it
    runs this image. It is then kept whatever the options are, and so is an image that is being imported.
  - Each image is checked again immediately before it is removed. Several runs at the same time all succeed.
  - In check mode it returns what would be removed and how much space that would free.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_image_prune
options:
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
  folder:
    description:
      - The folder whose images are removed, by its path below the VM folder of the datacenter or by its inventory path.
        Images in other folders, such as those of other tenants, are left alone, and so are those in folders below it.
    type: str
    default: gantry-images
  datastore:
    description:
      - Remove images on this datastore only, given by name, path or MoID.
    type: str
  dangling:
    description:
      - V(true) removes only images that no reference refers to any more, because their tag has moved to another image.
      - V(false) also removes unused images that have references. They must be imported again before a container can be
        created from them.
    type: bool
    default: true
  older_than:
    description:
      - Remove only images that were imported at least so long ago by vCenter's clock, such as V(168h) for a week.
      - The age is that of the template. An image whose age vCenter does not know is kept.
    type: str
  names:
    description:
      - Remove only images with a reference that one of these patterns matches, such as V(registry.example.com/shop/*).
        V(*) matches any characters, also slashes, and V(?) matches one.
      - References are matched in their full form, such as V(docker.io/library/nginx:1.27). An image without references
        is matched by the one of its first import.
    type: list
    elements: str
  labels:
    description:
      - Remove only images whose configuration has all these labels with these values.
      - The values must be strings. Numbers and booleans are refused because YAML may have changed them.
    type: dict
  cache_path:
    description:
      - The directory of the image cache on the machine where the task runs, as in M(gantry.vsphere.container_image). It
        has the locks that tell whether an import by this machine is running.
      - The default is the environment variable E(GANTRY_IMAGE_CACHE), or C(~/.cache/gantry/images) if it is not set.
    type: path
seealso:
  - module: gantry.vsphere.container_image
  - module: gantry.vsphere.container_image_info
notes:
  - A linked clone that the user may not read cannot be recognized. Therefore, images on a datastore with VMs whose
    disks the user cannot read are kept, with the RV(kept[].reason) V(unreadable_vms). This includes VMs that vCenter
    itself cannot read because their host is lost.
  - An image whose template was converted to a VM is kept, since another run may be changing it.
"""

EXAMPLES = r"""
- name: Remove the images that no tag refers to any more
  gantry.vsphere.container_image_prune:
    datacenter: DC0

- name: Remove all unused images of one registry that are older than 30 days
  gantry.vsphere.container_image_prune:
    dangling: false
    older_than: 720h
    names:
      - registry.example.com/*

- name: Show what that would free
  gantry.vsphere.container_image_prune:
    dangling: false
  check_mode: true
  register: result

- name: Show why the others are kept
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.reason }} {{ item.in_use_by }}"
  loop: "{{ result.kept }}"
"""

RETURN = r"""
removed:
  description: The images that were removed, in the order of their paths. In check mode, those that would be.
  returned: success
  type: list
  elements: dict
  contains: &facts
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
      description: The content id of the disk.
      type: str
      returned: always
      sample: 9d3b1f0c5a7e4b2d8c6f1e0a3b5d7f9c1e3a5b7d9f1c3e5a7b9d1f3c5e7a9b1d
    created:
      description: The build time in the image configuration.
      type: str
      returned: always
      sample: '2026-01-14T10:12:44Z'
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
kept:
  description: The other images in the folder and on the datastore of the task, in the order of their paths.
  returned: success
  type: list
  elements: dict
  contains:
    <<: *facts
    reason:
      description:
        - Why it is kept. The first one that applies of V(importing), V(not_a_template), V(in_use), V(unreadable_vms),
          V(referenced), V(name), V(label) and V(age). The last four are those of O(dangling), O(names), O(labels) and
          O(older_than).
      type: str
      returned: always
      sample: in_use
    in_use_by:
      description: The inventory paths of the VMs that use it.
      type: list
      elements: str
      returned: always
      sample: ["/DC0/vm/apps/web"]
reclaimed_bytes:
  description: The sum of the sizes of the removed images.
  returned: success
  type: int
  sample: 48211968
actions:
  description: The actions in their order. In check mode, the actions that would be done.
  returned: success
  type: list
  elements: str
  sample:
    - destroy gantry-image-4c0fdaa8b634-9d3b1f0c (sha256:4c0fdaa8b6341bfd)
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.operation import ContainerImagePrune


def main() -> None:
    run_module(ContainerImagePrune())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_image; what it does is in module_utils/_image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: Keep container images in vCenter as templates
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Takes an OCI image from a registry, converts it to a read-only disk and uploads that as a template, once for each
    datacenter. M(gantry.vsphere.container_vm) makes containers from it as linked clones.
  - The image is pulled by its digest with C(skopeo), which also takes care of mirrors and signature policies.
    The conversion needs no root and gives the same bytes for the same image. Its result is kept in a cache.
  - An import that was interrupted is cleaned up by the next run. Two runs that import the same image at the same
    time both succeed and leave one template.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
options:
  name:
    description:
      - The reference of the image, as C(docker pull) takes it. V(nginx) is V(docker.io/library/nginx:latest).
      - With a digest (V(registry.example.com/app@sha256:...)) it means just that image, now and later.
    type: str
    required: true
    aliases: [image]
  state:
    description:
      - V(present) sees to it that the image is there and that O(name) means it and no other.
      - V(absent) takes the reference away, and with the last reference the template. By a digest, the template goes
        with all its references. An image that VMs stand on is not removed; they are named.
    type: str
    choices: [present, absent]
    default: present
  pull:
    description:
      - V(missing) asks the registry only when vCenter does not know the reference. It does not notice that a tag has
        moved to another image.
      - V(always) asks the registry in each run what the reference means. The image is pulled only if it is another one
        than before.
      - V(never) does not ask the registry. It is an error if the image is not there.
    type: str
    choices: [always, missing, never]
    default: missing
  registry_username:
    description:
      - The user at the registry. Needs O(registry_password).
      - Without it and O(registry_auth_file), what C(skopeo login), C(podman login) or C(docker login) have left is
        used.
    type: str
  registry_password:
    description:
      - The password or token of O(registry_username). It is given to C(skopeo) in memory, not on its command line.
    type: str
  registry_auth_file:
    description:
      - A file with credentials as C(skopeo login --authfile) writes it.
    type: path
  registry_tls_verify:
    description:
      - Whether the registry must speak TLS with a certificate of a known CA. V(false) also allows plain HTTP.
    type: bool
    default: true
  registry_cert_dir:
    description:
      - A directory with the CA certificates (C(*.crt)) that sign the registry's, and client certificates
        (C(*.cert) and C(*.key)).
    type: path
  signature_policy:
    description:
      - A signature policy as in C(containers-policy.json(5)). Without it the system's is used.
    type: path
  platform:
    description:
      - The platform to take from an image that is made for several. vSphere runs what is listed here.
    type: str
    choices: [linux/amd64]
    default: linux/amd64
  cache_path:
    description:
      - Where pulled layers and converted disks are kept, on the machine where the task runs. It may be shared by
        concurrent runs.
      - Without it, the environment variable E(GANTRY_IMAGE_CACHE) is used, and else C(~/.cache/gantry/images).
    type: path
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
  cluster:
    description:
      - The cluster or single host that the upload goes through. It may be left out if the datacenter has only one.
      - A template belongs to no cluster. The cluster matters while the image is imported, and for a moment when the
        references of a template change.
    type: str
  resource_pool:
    description:
      - The resource pool in O(cluster) to import through. By default the cluster's own.
    type: str
  folder:
    description:
      - The folder for the template, by its path below the datacenter's VMs or its inventory path. If the last part of
        the path is missing, it is created.
      - Without it a new template goes to V(gantry-images), and one that is there may stay where it is.
    type: str
  datastore:
    description:
      - The datastore for the template, which also is where linked clones find their base. It should be one that all
        hosts that are to run the containers can reach.
      - It may be left out if the datacenter has only one. Without it, an image on any datastore counts as present.
      - An image may be on several datastores. Each has a template of its own.
    type: str
seealso:
  - module: gantry.vsphere.container_image_info
  - module: gantry.vsphere.container_vm
requirements:
  - skopeo >= 1.6, where the task runs
  - tar2sqfs, of squashfs-tools-ng, where the task runs
notes:
  - The names of the templates begin with C(gantry-image-). A template that was renamed is not found any more.
  - In check mode the registry is asked what O(name) means and what the image says of itself, but nothing is pulled or
    converted.
"""

EXAMPLES = r"""
- name: Have an image ready
  gantry.vsphere.container_image:
    name: docker.io/library/nginx:1.27
    cluster: Cluster1
    datastore: vsan0

- name: Follow a tag
  gantry.vsphere.container_image:
    name: registry.example.com/shop/web:stable
    pull: always
    registry_username: ci
    registry_password: "{{ registry_token }}"
    datastore: vsan0
  register: web

- name: Use just that image
  gantry.vsphere.container_vm:
    name: web
    image: "registry.example.com/shop/web@{{ web.image.digest }}"

- name: Remove an image that nothing uses any more
  gantry.vsphere.container_image:
    name: docker.io/library/nginx:1.25
    state: absent
"""

RETURN = r"""
image:
  description: The image, or V(null) with O(state=absent).
  returned: success
  type: dict
  contains:
    name:
      description: The name of the template.
      type: str
      returned: always
      sample: gantry-image-4c0fdaa8b634-9d3b1f0c
    moid:
      description: The managed object id of the template; V(null) for one that check mode only predicts.
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
      description: V(ready).
      type: str
      returned: always
      sample: ready
    reference:
      description: The reference that the image was first imported by.
      type: str
      returned: always
      sample: nginx:1.27
    references:
      description: All references that mean this image, in their full form.
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
      description: The content id of the disk. It depends on the digest and on the version of the conversion.
      type: str
      returned: always
      sample: 9d3b1f0c5a7e4b2d8c6f1e0a3b5d7f9c1e3a5b7d9f1c3e5a7b9d1f3c5e7a9b1d
    created:
      description: When the image was built, as it says itself.
      type: str
      returned: always
      sample: '2026-01-14T10:12:44Z'
    config:
      description: The configuration of the image, such as C(Env), C(Entrypoint), C(Cmd) and C(User).
      type: dict
      returned: always
      sample: {"Cmd": ["nginx", "-g", "daemon off;"], "architecture": "amd64", "os": "linux"}
actions:
  description: What was done, or would be done in check mode, in its order.
  returned: success
  type: list
  elements: str
  sample:
    - import nginx:1.27 (sha256:4c0fdaa8b6341bfd) as gantry-image-4c0fdaa8b634-9d3b1f0c on vsan0
in_use_by:
  description: The paths of the VMs that stand on an image which was to be removed.
  returned: failure, when the image is in use
  type: list
  elements: str
  sample: ["/DC0/vm/apps/web"]
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._image.operation import ContainerImage


def main() -> None:
    run_module(ContainerImage())


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_image; what it does is in module_utils/_image."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_image
short_description: Manage container images as templates in vCenter
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Reads an OCI or Docker image from a registry, a folder or an archive, converts it to a read-only disk and uploads
    that as a template, once for each datacenter. M(gantry.vsphere.container_vm) creates containers from it as linked
    clones.
  - The image is pulled by its digest with C(skopeo), which also handles mirrors and signature policies. A
    policy also decides about images in files. They have no signatures, so it must accept them without.
    The conversion does not need root and is reproducible. Its result is kept in a cache.
  - The next run cleans up after an interrupted import. Two runs that import the same image at the same time both
    succeed and leave one template.
  - The image's manifest and configuration are checked before anything is pulled. A field of the wrong type, such as a
    string for C(Cmd), is an error that names the field.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.registry
  - gantry.vsphere.removal
  - gantry.vsphere.privileges.container_image
options:
  name:
    description:
      - The reference of the image, as for C(docker pull). V(nginx) is V(docker.io/library/nginx:latest).
      - A reference with a digest (V(registry.example.com/app@sha256:...)) always selects the same image.
    type: str
    required: true
    aliases: [image]
  source:
    description:
      - Where the image is read from, if not by O(name). It is then known in vCenter as O(name).
      - V(docker://REFERENCE) is an image in a registry, with a tag or a digest.
      - V(oci:PATH) is a folder with an OCI image layout, V(oci-archive:PATH) a tar archive of one, and
        V(docker-archive:PATH) an archive of C(docker save) or C(podman save). The path is absolute, and on the machine
        where the task runs. Archives may be compressed.
      - If there are several images, V(:) and the name in the index or the reference of one of them follow the path, as
        in C(containers-transports(5)).
      - If O(name) has a digest, the image must have it. An archive of C(docker save) has no manifest. Its image gets
        the digest of the one that C(skopeo) makes for it.
      - With O(pull=missing), the source is read only if no template has the reference.
    type: str
  state:
    description:
      - V(present) ensures that the image is there and that O(name) refers to this image only.
      - V(absent) removes the reference, and with the last reference the template. A reference with a digest removes the
        template with all its references. An image that has linked clones is not removed; the error names the VMs.
    type: str
    choices: [present, absent]
    default: present
  pull:
    description:
      - V(missing) queries the registry only if no template in the datacenter has the reference. It does not notice when
        a tag has moved to another image.
      - V(always) resolves the reference at the registry in each run. The image is pulled only if its digest has
        changed.
      - V(never) does not query the registry. It is an error if no template has the reference.
    type: str
    choices: [always, missing, never]
    default: missing
  platform:
    description:
      - The platform to select from a multi-platform image.
      - The selection is that of Podman and Docker. The entry without a variant is used wherever it is in the index, and
        never one for V(v2), V(v3) or V(v4), which not all processors can run. Attestations are skipped, and indexes in
        an index are searched. An entry without a platform is used if no other fits.
      - An image whose configuration gives another platform is refused.
    type: str
    choices: [linux/amd64]
    default: linux/amd64
  cache_path:
    description:
      - The directory for pulled layers and converted disks, on the machine where the task runs. Concurrent runs may
        share it.
      - The default is the environment variable E(GANTRY_IMAGE_CACHE), or C(~/.cache/gantry/images) if it is not set.
    type: path
  datacenter:
    description:
      - The datacenter, by name, path or MoID. It may be left out if there is only one.
    type: str
  cluster:
    description:
      - The cluster or standalone host to upload through. It may be left out if the datacenter has only one.
      - It is used during the import only. An existing template is changed on its own host.
    type: str
  resource_pool:
    description:
      - The resource pool in O(cluster) to import through. The default is the root resource pool of the cluster.
      - A template of a host in O(cluster) is also in it for a moment when it is changed or moved to another host.
    type: str
  folder:
    description:
      - The folder for the template, by its path below the VM folder of the datacenter or by its inventory path. The
        last folder of the path is created if it does not exist.
      - Without it, a new template is created in V(gantry-images), and an existing one stays in its folder.
    type: str
  datastore:
    description:
      - The datastore for the template, which linked clones use as their base disk. All hosts that run the containers
        should have access to it.
      - It may be left out if the datacenter has only one. Without it, an image on any datastore counts as present.
      - An image can be on several datastores, with one template on each. An image that is on another datastore of the
        datacenter is copied from there inside vCenter. It is uploaded again only if no such template can be cloned.
    type: str
seealso:
  - module: gantry.vsphere.container_image_info
  - module: gantry.vsphere.container_vm
requirements:
  - skopeo >= 1.6 on the machine where the task runs
  - tar2sqfs (squashfs-tools-ng) on the machine where the task runs
  - zstd on the machine where the task runs, for images with zstd layers
notes:
  - vCenter clones a template only while its host is connected and not in maintenance mode. With O(state=present), a
    template on another host is therefore moved to a host with its datastore. If its host is not connected, it is taken
    out of the inventory and registered on the other host. Permissions and tags of its own are then lost, and it has a
    new MoID. If the host of an image that is to be removed is not connected, connect it first.
  - vCenter directs the upload to the ESXi host that receives the disk. The machine that runs the module must resolve
    the name of each host as vCenter knows it, and reach its port 443.
  - The names of the templates begin with C(gantry-image-). A renamed template is no longer found.
  - In check mode O(name) is resolved and the image's manifest and configuration are read, but nothing is pulled or
    converted.
  - Layers may be plain tar archives or compressed with gzip, zstd, bzip2 or xz. As in Docker and Podman, the content
    determines the format, not the media type. Layers that are not in the registry but only at a URL (foreign layers)
    are refused.
"""

EXAMPLES = r"""
- name: Import an image
  gantry.vsphere.container_image:
    name: docker.io/library/nginx:1.27
    cluster: Cluster1
    datastore: vsan0

- name: Import an image from an archive of docker save, without a registry
  gantry.vsphere.container_image:
    name: registry.example.com/shop/web:1.4
    source: docker-archive:/srv/images/web-1.4.tar.gz
    datastore: vsan0

- name: Follow a tag
  gantry.vsphere.container_image:
    name: registry.example.com/shop/web:stable
    pull: always
    registry_username: ci
    registry_password: "{{ registry_token }}"
    datastore: vsan0
  register: web

- name: Create a container from exactly this image
  gantry.vsphere.container_vm:
    name: web
    image: "registry.example.com/shop/web@{{ web.image.digest }}"

- name: Remove an image that is no longer used
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
actions:
  description: The actions in their order. In check mode, the actions that would be done.
  returned: success
  type: list
  elements: str
  sample:
    - import nginx:1.27 (sha256:4c0fdaa8b6341bfd) as gantry-image-4c0fdaa8b634-9d3b1f0c on vsan0
in_use_by:
  description: The inventory paths of the linked clones of the image to be removed.
  returned: failure, when the image is in use
  type: list
  elements: str
  sample: ["/DC0/vm/apps/web"]
removed:
  description: The names of the templates that were destroyed, because none of their references is left.
  returned: success
  type: list
  elements: str
  sample:
    - gantry-image-4c0fdaa8b634-9d3b1f0c
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module
from ansible_collections.gantry.vsphere.plugins.module_utils._image.operation import ContainerImage


def main() -> None:
    run_module(ContainerImage())


if __name__ == "__main__":
    main()

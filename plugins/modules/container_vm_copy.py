#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_vm_copy; what it does is in module_utils/_container_copy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_vm_copy
short_description: Copy files into or out of a container that runs as a virtual machine
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Copies a file or a directory into a running container, or out of it. Only what differs is copied.
  - Options with the same meaning have the same names as in M(community.docker.docker_container_copy_into).
  - The files are transferred by vSphere's guest operations, so no network to the container is needed, and no program in
    the container.
  - The container must permit guest operations with the secret that is derived from O(guest_key). See the option
    C(guest_operations) of M(gantry.vsphere.container_vm).
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_vm_copy
options:
  name:
    description:
      - The name of the container.
    type: str
    required: true
    aliases: [container]
  container_path:
    description:
      - The path of the file or directory in the container, an absolute path.
      - Its directory must exist. A directory that is copied is created if it does not exist.
    type: str
    required: true
  path:
    description:
      - A file or directory to copy into the container, on the machine that runs the task.
      - The content of a directory is copied into the directory O(container_path). Files that are there already and not
        in O(path) are left alone, and directories that are there keep their owner and mode.
      - Exactly one of O(path), O(content) and O(dest) is required.
    type: path
  content:
    description:
      - The content of the file in the container. Requires O(mode).
    type: str
  content_is_b64:
    description:
      - Whether O(content) is encoded in base64, as it must be if it is not text.
    type: bool
    default: false
  dest:
    description:
      - Where to copy the file or directory O(container_path) to, on the machine that runs the task.
      - If it is a directory, a file is copied into it, and the content of a directory is.
      - The container is not trusted. Files keep their mode, but without the bits of setuid, setgid and sticky, and
        their owner if the task is run by root. Devices are not copied. Symbolic links that may lead out of O(dest) are
        refused.
    type: path
  owner:
    description:
      - The user who owns the files in the container, by name or number. By default the container's user.
    type: str
    aliases: [owner_id]
  group:
    description:
      - The group of the files in the container, by name or number. By default the group of O(owner). Requires O(owner).
    type: str
    aliases: [group_id]
  mode:
    description:
      - The mode of the files in the container, such as V('0644'). By default that of the files in O(path).
      - Directories keep the mode that they have in O(path).
    type: raw
  follow:
    description:
      - Whether O(container_path) may be a symbolic link to what is to be copied. Otherwise the link itself is replaced
        or copied.
      - Links in directories are copied as links.
    type: bool
    default: false
  local_follow:
    description:
      - Whether to copy what O(path) points to if it is a symbolic link. Otherwise the link itself is copied.
      - Links in directories are copied as links.
    type: bool
    default: true
  force:
    description:
      - With V(true) all files are copied, whether or not they differ. With V(false) nothing is copied if there is
        anything at the destination. By default the files that differ are copied.
    type: bool
  max_size:
    description:
      - How many bytes the files may have in all, with a unit of K, M or G. A task with more fails before anything is
        copied.
    type: str
    default: 1G
  timeout:
    description:
      - The seconds after which a copy, or the comparison before it, is ended and the task fails. With V(0) there is no
        limit.
    type: int
    default: 3600
  datacenter:
    description:
      - The datacenter of the container, by name or path. It selects the container if several have this name.
    type: str
  folder:
    description:
      - The folder that the container is in or below, by its path below the datacenter's or its inventory path. It
        selects the container if several have this name.
    type: str
  guest_key:
    description:
      - The key from which the secret of the container is derived, as the task that created the container had it.
      - The default is the environment variable E(GANTRY_GUEST_KEY).
    type: str
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.container_vm_exec
  - module: community.docker.docker_container_copy_into
notes:
  - Files are compared by digests, which the guest computes. In diff mode they stand for the contents, too, except for a
    single text of at most 32 KiB that is copied into a container, which is shown. Use C(no_log) for secrets.
  - All new files are in the container before the first one replaces an old one. A transfer that breaks off changes
    nothing.
  - At most 10,000 files are copied. Regular files, directories and symbolic links are.
  - vCenter or the ESXi host of the container serves the files. The machine that runs the module must resolve the
    host's name and reach its port 443.
  - What is copied into a container is on its own disk, and is lost when the container is replaced.
"""

EXAMPLES = r"""
- name: Copy a configuration into a web server
  gantry.vsphere.container_vm_copy:
    name: web
    path: files/nginx.conf
    container_path: /etc/nginx/nginx.conf
    owner: root
    mode: "0644"
    guest_key: "{{ vault_guest_key }}"
  notify: Reload the web server

- name: Write a file with a given content
  gantry.vsphere.container_vm_copy:
    name: web
    content: "Welcome to {{ inventory_hostname }}"
    container_path: /usr/share/nginx/html/index.html
    mode: "0644"
    guest_key: "{{ vault_guest_key }}"

- name: Copy the reports of a job out of its container
  gantry.vsphere.container_vm_copy:
    name: job
    container_path: /var/lib/reports
    dest: /srv/reports/today
    guest_key: "{{ vault_guest_key }}"
"""

RETURN = r"""
container_path:
  description: The path in the container, to which O(container_path) leads.
  returned: success
  type: str
  sample: /etc/nginx/nginx.conf
dest:
  description: The path on the machine that runs the task.
  returned: success, with O(dest)
  type: str
  sample: /srv/reports/today
files:
  description:
    - The files that were copied, or would be in check mode, relative to what is copied. The file or directory itself
      has an empty path.
  returned: success
  type: list
  elements: str
  sample: [""]
actions:
  description: What was done, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["copy 1 file to web:/etc/nginx/nginx.conf"]
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.operation import ContainerVmCopy
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerVmCopy())


if __name__ == "__main__":
    main()

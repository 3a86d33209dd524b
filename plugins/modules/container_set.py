#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_set; what it does is in module_utils/_container_set."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_set
short_description: Run the containers of a project as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Creates, changes, starts and removes all containers of a project in one task, in parallel, as
    M(gantry.vsphere.container_vm) does for one container. The number of requests for containers that need no change
    does not depend on their number.
  - All containers are validated and planned first. All problems are reported together, and nothing is changed if there
    are any.
  - Resource pools must be able to admit all containers of the project as they are after the task, as
    M(gantry.vsphere.container_vm) describes it. With O(create_only), they are counted as if they were started.
  - Running containers that have to be replaced or restarted are handled last and one after the other. Each is awaited
    before the next one is stopped. The first that fails keeps all that follow as they are. C(update_config) of a
    container in the list changes this for its replicas.
  - A run that is interrupted is finished by the next one. After an update that was rolled back, the task fails, and the
    next run tries the update again.
  - The containers of a project carry the label C(gantry.vsphere.project) with its name, and the label
    C(gantry.vsphere.container) with the name of their entry in O(containers). By the first one those are found that are
    no longer listed.
  - The role P(gantry.vsphere.containers#role) also imports the images, manages DRS rules and runs smoke tests.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_set
options:
  project:
    description:
      - The name of the project.
      - Letters, digits, C(_), C(.) and C(-), beginning with a letter or digit, at most 63 characters.
    type: str
    required: true
  containers:
    description:
      - The containers, each with a C(name) and the options of M(gantry.vsphere.container_vm) except those of the
        connection. The default of C(state) is V(ready).
      - With C(replicas), a number, the containers are named with a hyphen and their number, such as V(web-1) to
        V(web-3). Without it there is one container with the name itself.
      - With C(depends_on), a list of names in O(containers), the containers are created and started after those of
        these names, each of which is awaited as its C(state) says. One that runs is not awaited while it is replaced.
      - C(update_config), a dictionary, says how those of its containers are changed that run and have to be stopped for
        it. C(parallelism), V(1) by default, are changed at the same time, all with V(0). Before the next ones, each has
        to go on running for C(monitor), and C(delay) passes, durations such as V(10s). After more failures than
        C(max_failure_ratio) of its containers, V(0) by default, C(failure_action) decides. V(pause) leaves all that
        follow as they are, V(continue) goes on, and V(rollback) gives those that were changed the VMs or settings back
        that they had.
      - C(order) of C(update_config) says when a container that is replaced is stopped. V(stop-first) is the default.
        With V(start-first), the new VM is started, and awaited, before the old one is stopped. A container that has
        volumes, a MAC address of its own or an address that DHCP does not give is still stopped first, and the action
        says so. For C(drain), a duration, a container that is replaced goes on running after other containers no
        longer find it by name. They look for other names every 2 seconds.
      - With the failure action V(rollback), replaced VMs are kept, powered off, until all containers of the entry are
        replaced. C(rollback_config) has the C(parallelism), C(delay), C(monitor), C(max_failure_ratio) and
        C(failure_action) of a rollback, which is never rolled back itself. The contents of files and secrets are not
        kept, so a container whose contents were changed cannot start with the old ones.
    type: list
    elements: dict
    default: []
  defaults:
    description:
      - Options for all containers that do not set them. C(env) and C(labels) are merged key by key.
    type: dict
    default: {}
  replicas:
    description:
      - Numbers of replicas by the names of containers in the list, which override theirs. Of these containers, replicas
        above the number are removed.
    type: dict
    default: {}
  state:
    description:
      - V(absent) removes all containers of the project, whatever is in O(containers).
    type: str
    choices: [present, absent]
    default: present
  create_only:
    description:
      - Whether to only create the containers that do not exist, without starting them. All others are left as they are.
      - With it, DRS rules can be applied between the creation and the first start.
    type: bool
    default: false
  remove_unlisted:
    description:
      - Whether to remove the containers of the project that are not in O(containers). Otherwise they are only returned.
    type: bool
    default: false
  planned_images:
    description:
      - For check mode, the images that are imported before the containers are created, as
        M(gantry.vsphere.container_image) returns them in check mode. They count as if they were imported.
    type: list
    elements: dict
    default: []
  datacenter:
    description:
      - The datacenter of all containers that do not set their own, and of the search for containers of the project.
    type: str
  cluster:
    description:
      - The cluster of all containers that do not set their own.
    type: str
  datastore:
    description:
      - The datastore of all containers that do not set their own.
    type: str
  folder:
    description:
      - The folder of all containers that do not set their own.
    type: str
  resource_pool:
    description:
      - The resource pool of all containers that do not set their own.
    type: str
  guest_key:
    description:
      - The key of the guest operations of all containers, see M(gantry.vsphere.container_vm). Each container has its
        own secret. The option C(guest_operations) of a container, or of O(defaults), says whether it permits them.
      - The default is the environment variable E(GANTRY_GUEST_KEY).
    type: str
  contents:
    description:
      - The contents of the C(files) and C(secrets) of containers by name, each with C(content) or C(content_base64).
        A file or a secret refers to it with C(content_from) instead of having a content, and a container with
        C(env_file_from) instead of C(env_file).
      - Contents that are in O(containers) or O(defaults), or in files of C(src) or C(env_file), are moved here before
        the task runs, so that Ansible masks them.
    type: dict
    default: {}
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.container_image
  - module: gantry.vsphere.drs_ruleset
notes:
  - A template of an image whose host is not connected or in maintenance mode is moved to another host first, once for
    all containers; see M(gantry.vsphere.container_vm).
"""

EXAMPLES = r"""
- name: Run three web servers and a cache
  gantry.vsphere.container_set:
    project: shop
    cluster: Cluster1
    defaults:
      restart_policy: always
    containers:
      - name: web
        image: registry.example.com/shop/web:1.4
        replicas: 3
        memory: 512M
        env:
          CACHE: cache.example.com
      - name: cache
        image: registry.example.com/redis:7

- name: Replace running containers two at a time, and go back if they do not become healthy
  gantry.vsphere.container_set:
    project: shop
    cluster: C0
    containers:
      - name: web
        image: registry.example.com/shop/web:1.5
        replicas: 6
        update_config:
          parallelism: 2
          order: start-first
          drain: 10s
          monitor: 30s
          failure_action: rollback
        rollback_config:
          parallelism: 0

- name: Remove the containers of the project
  gantry.vsphere.container_set:
    project: shop
    state: absent
"""

RETURN = r"""
project:
  description: The name of the project.
  returned: success
  type: str
  sample: shop
containers:
  description:
    - The containers of the list, as M(gantry.vsphere.container_vm) returns them, and in C(entry) the name of their
      entry in the list. In check mode as they would be.
  returned: success
  type: list
  elements: dict
  sample:
    - name: web-1
      entry: web
      state: running
      health: healthy
unlisted:
  description: The other containers of the project that exist after the task, in the same form.
  returned: success
  type: list
  elements: dict
  sample:
    - name: old
      entry: old
      state: running
entries:
  description: The names of the containers of each entry of the list.
  returned: success
  type: dict
  sample:
    web: [web-1, web-2, web-3]
    cache: [cache]
rolled_back:
  description: The containers of each entry whose update failed that are as they were before.
  returned: when an update failed and was rolled back
  type: dict
  sample:
    web: [web-1, web-2]
actions:
  description: The actions in their order. In check mode, the actions that would be done.
  returned: success
  type: list
  elements: str
  sample: [create web-1 from registry.example.com/shop/web:1.4, start web-1]
effects:
  description:
    - How each container that exists is changed, and because of which options. In check mode, how it would be changed.
    - A container that is only created, started, stopped or removed is not in the list. With C(--diff), the header of
      the state after the task has the same.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the container.
      type: str
      returned: always
      sample: web
    effect:
      description:
        - V(in place) if it is changed without a restart. If it runs, it goes on running.
        - V(restarted) if it is stopped, changed and started again. It keeps its VM and its writable layer.
        - V(replaced) if it gets a new VM, without the files of its writable layer.
      type: str
      returned: always
      sample: restarted
    options:
      description:
        - The options that are the reason. With V(in place), all that are changed. Other options can be changed in the
          same restart or replacement.
        - It can be a setting of the VM that was changed by another client, with its name in the diff.
      type: list
      elements: str
      returned: always
      sample: [env]
problems:
  description: The messages of all problems.
  returned: failure, when there are several
  type: list
  elements: str
  sample: ["There is no cluster 'C9'."]
subjects:
  description:
    - For each container C(name), C(status) (V(done), V(failed) or V(not_started)), C(actions) that were done, and for
      a failed one C(msg).
  returned: failure, when several containers were changed
  type: list
  elements: dict
  sample:
    - name: web-1
      status: failed
      actions: []
      msg: Container web-1 is unhealthy.
submitted:
  description: The requests that vCenter had accepted before the task failed. They may have been carried out.
  returned: failure, when something was submitted
  type: list
  elements: dict
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation import ContainerSet
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerSet())


if __name__ == "__main__":
    main()

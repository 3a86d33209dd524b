#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_stack; what it does is in module_utils/_container_stack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_stack
short_description: Run a Compose project as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Reads a project of Compose files with the reference loader of Docker Compose, imports the images, creates the
    volumes, and runs each replica of each service as a virtual machine, as M(gantry.vsphere.container_set) does.
  - An attribute that is not supported is refused with its file and line before anything is changed.
  - The containers are named with the project, the service and the number of the replica, such as C(shop-web-1), or as
    C(container_name) says. They find each other by the name of the service and its aliases.
  - The containers carry the labels C(com.docker.compose.project) and C(com.docker.compose.service), as those of Docker
    Compose do. By them, other modules and the inventory plugin select the containers of a project or of a service.
  - DRS keeps the replicas of a service on different hosts, and containers on the hosts that C(deploy.placement) or
    C(x-gantry) say.
  - A service is started when those that it depends on run, and are healthy if they have a health check. Jobs, which are
    services of the mode C(replicated-job) and those that others wait for with C(service_completed_successfully), are
    awaited until they have ended with exit code 0.
extends_documentation_fragment:
  - gantry.vsphere.attributes
  - gantry.vsphere.vcenter
  - gantry.vsphere.registry
  - gantry.vsphere.privileges.container_stack
requirements:
  - The Python package C(gantry-vsphere-runtime), which has the program that reads Compose files, for Linux on x86_64
options:
  project_src:
    description:
      - The directory of the project. Relative paths in the files are relative to it. Other files are read only if
        O(files) or O(env_files) name them.
      - The default is the current directory.
    type: path
  project_name:
    description:
      - The name of the project. By default the C(name) in the files, or the name of the directory.
    type: str
  files:
    description:
      - The files of the project, relative to O(project_src), which are merged in their order. By default, the first
        of V(compose.yaml), V(compose.yml), V(docker-compose.yaml) and V(docker-compose.yml).
    type: list
    elements: path
  definition:
    description:
      - The content of a Compose file, which is merged after O(files).
    type: str
  env_files:
    description:
      - Files with variables, relative to O(project_src), instead of C(.env).
    type: list
    elements: path
  profiles:
    description:
      - The profiles whose services are run.
    type: list
    elements: str
    default: []
  variables:
    description:
      - The variables that are replaced in the files. The environment of the task is not read.
      - Ansible can show them in its output. Give those that are secret in O(secret_variables).
    type: dict
    default: {}
  secret_variables:
    description:
      - As O(variables), for values that are secret, such as the password of a C(secrets) with C(environment).
      - Ansible masks the values wherever they occur in the result.
    type: dict
    default: {}
  unsupported:
    description:
      - What happens with attributes that are not supported. V(fail) fails the task. V(warn) leaves them out with a
        warning.
    type: str
    choices: [fail, warn]
    default: fail
  state:
    description:
      - V(present) creates, changes and starts the containers.
      - V(stopped) creates and changes them, and stops those that run, first those that depend on others. It runs no
        jobs, and does not change those that exist.
      - V(absent) removes the containers of the project. Its volumes and images stay unless O(remove_volumes) and
        O(remove_images) say otherwise.
    type: str
    choices: [present, stopped, absent]
    default: present
  services:
    description:
      - The services that the task applies to, by default all. With O(state=present), those that they depend on are run,
        too. With O(state=stopped) and O(state=absent), only these are stopped or removed.
      - The containers of the other services are left alone. They are no orphans, and not in the result.
    type: list
    elements: str
  recreate:
    description:
      - Whether containers that exist are replaced.
      - V(auto) changes them as M(gantry.vsphere.container_vm) does, which replaces them if their image has changed, for
        example.
      - V(always) replaces all containers of the services that the task names in O(services), by default of all. Their
        writable layers are lost.
      - V(never) leaves containers as they are, whatever has changed in the files. Those that do not run are started,
        and those that do not exist are created.
    type: str
    choices: [auto, always, never]
    default: auto
  scale:
    description:
      - Numbers of replicas by the names of services, which override those of the files.
    type: dict
    default: {}
  anti_affinity:
    description:
      - Whether DRS keeps the replicas of a service on different hosts, as far as one host can still be evacuated.
        C(x-gantry) of a service has precedence.
      - The rules are named with the project and the service, such as C(gantry:shop:web:1). They are changed and removed
        with the containers.
      - There are no rules in a cluster of fewer than three hosts or without DRS. Without the privilege to write them
        there is a warning.
    type: bool
    default: true
  networks:
    description:
      - The port groups of the networks of the project, by the names of the networks. V(*) is the one of all others. A
        network can name its own in C(x-gantry), and one that is external is the port group with its name.
    type: dict
    default: {}
  volume_size:
    description:
      - The size of volumes that do not exist, such as V(10G).
    type: str
  pull:
    description:
      - When the registry is asked for the image of a service that does not say C(pull_policy), see
        M(gantry.vsphere.container_image).
    type: str
    choices: [always, missing, never]
    default: missing
  remove_orphans:
    description:
      - Whether to remove the containers of the project that belong to no service. Otherwise they are only returned.
    type: bool
    default: false
  prune:
    description:
      - Whether images that nothing uses are removed at the end, of the repositories of the services in the files, such
        as the earlier tags of an image that was updated. See RV(pruned_images).
      - An image stays if a service names it, if it also has a reference of another repository, or if any VM in the
        datacenter uses it, also one of another project. See
        M(gantry.vsphere.container_image_prune), which selects images by other properties.
      - A rollback to an image that was removed imports it again. Not with O(state=absent).
    type: bool
    default: false
  remove_images:
    description:
      - Which images are removed with the project, only with O(state=absent) and without O(services).
      - V(all) removes the images of the services in the files. An image that other VMs use is kept, see
        RV(kept_images), and one that has other references only loses the one of the project. Earlier images of the
        project are removed by O(prune) or by M(gantry.vsphere.container_image_prune).
    type: str
    choices: [all]
  remove_volumes:
    description:
      - Whether the volumes of the project are deleted with their data, only with O(state=absent), without O(services),
        and with O(confirm_data_loss). Volumes that are external stay.
      - The task fails before it changes anything if another VM uses one of them, or if one has snapshots.
    type: bool
    default: false
  confirm_data_loss:
    description:
      - That the data of volumes may be deleted, see O(remove_volumes).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until containers run, are healthy if they have a health check, or have completed if they are
        jobs.
      - With V(false), the task waits only where the files ask for an order, which is for services that others depend on
        with the condition C(service_healthy) or C(service_completed_successfully), and for services with
        C(update_config). Running containers of other services are then changed without waiting for each one.
    type: bool
    default: true
  wait_timeout:
    description:
      - The maximum time in seconds to wait for each container, until it runs, is healthy or has completed. C(x-gantry)
        of a service has precedence.
    type: int
    default: 300
  datacenter:
    description:
      - The datacenter of all containers, volumes and images.
    type: str
  cluster:
    description:
      - The cluster of all containers. C(x-gantry) of a service has precedence.
    type: str
  datastore:
    description:
      - The datastore of all containers, volumes and images. C(x-gantry) of a service has precedence for its containers
        and its image.
    type: str
  folder:
    description:
      - The folder of all containers. C(x-gantry) of a service has precedence.
    type: str
  resource_pool:
    description:
      - The resource pool of all containers. C(x-gantry) of a service has precedence.
    type: str
  guest_key:
    description:
      - The key of the guest operations of all containers, see M(gantry.vsphere.container_vm). Containers with configs,
        secrets or files of the project need it.
      - The default is the environment variable E(GANTRY_GUEST_KEY).
    type: str
  cache_path:
    description:
      - The directory for the layers of images, see M(gantry.vsphere.container_image).
    type: path
seealso:
  - module: gantry.vsphere.container_set
  - module: gantry.vsphere.container_image
  - module: gantry.vsphere.container_volume
"""

EXAMPLES = r"""
- name: Run the project in a directory
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    cluster: Cluster1
    networks:
      "*": VM Network
    volume_size: 10G

- name: Run five web servers
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    cluster: Cluster1
    networks:
      "*": VM Network
    volume_size: 10G
    scale:
      web: 5

- name: Run only its web servers, and what they depend on
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    cluster: Cluster1
    networks:
      "*": VM Network
    volume_size: 10G
    services: [web]

- name: Stop its containers, and keep them
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    cluster: Cluster1
    networks:
      "*": VM Network
    volume_size: 10G
    state: stopped

- name: Remove its containers
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    state: absent

- name: Remove all that it has left, with the data
  gantry.vsphere.container_stack:
    project_src: /srv/shop
    state: absent
    remove_images: all
    remove_volumes: true
    confirm_data_loss: true
"""

RETURN = r"""
project:
  description: The name of the project.
  returned: success
  type: str
  sample: shop
services:
  description: The names of the containers of each service.
  returned: success
  type: dict
  sample:
    web: [shop-web-1, shop-web-2]
containers:
  description:
    - The containers, as M(gantry.vsphere.container_vm) returns them, and in C(entry) the name without the number. In
      check mode as they would be.
  returned: success
  type: list
  elements: dict
  sample:
    - name: shop-web-1
      entry: shop-web
      state: running
orphans:
  description: The containers of the project that belong to no service and exist after the task, in the same form.
  returned: success
  type: list
  elements: dict
  sample: []
images:
  description: The images that were looked up in their registries, as M(gantry.vsphere.container_image) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
volumes:
  description: The volumes of the project, as M(gantry.vsphere.container_volume) returns them.
  returned: success
  type: list
  elements: dict
  sample: []
rules:
  description:
    - The DRS rules of the project. In check mode as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: The path of the cluster.
      type: str
      returned: always
      sample: /DC0/host/C0
    name:
      description: The name of the rule.
      type: str
      returned: always
      sample: gantry:shop:web:1
    type:
      description: V(vm_anti_affinity), V(vm_host_affinity) or V(vm_host_anti_affinity).
      type: str
      returned: always
      sample: vm_anti_affinity
    mandatory:
      description: Whether a rule between containers and hosts is mandatory.
      type: bool
      returned: always
      sample: false
    containers:
      description: The names of the containers that it applies to.
      type: list
      elements: str
      returned: always
      sample: [shop-web-1, shop-web-2]
    host_group:
      description: The host group of a rule between containers and hosts.
      type: str
      returned: always
      sample: licensed
    hosts:
      description: The names of the hosts in the group.
      type: list
      elements: str
      returned: always
      sample: [esx1.example.com]
slots:
  description:
    - What is done to each container of the services, and to others that are removed. In check mode, what would be done.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: The name of the service; none if the container belongs to no service.
      type: str
      returned: always
      sample: web
    container:
      description: The name of the container.
      type: str
      returned: always
      sample: shop-web-1
    action:
      description:
        - V(created), V(replaced) by a new VM, V(changed) in place or with a restart, V(started), V(awaited) until it is
          ready, V(stopped), V(removed), or V(none).
      type: str
      returned: always
      sample: replaced
    reason:
      description: Why, such as the options that have changed; none if nothing is done.
      type: str
      returned: always
      sample: another image
    old_image:
      description: The reference of the image before the task.
      type: str
      returned: always
      sample: registry.example.com/shop/web:1.4
    old_digest:
      description: Its digest.
      type: str
      returned: always
      sample: sha256:5f0c
    new_image:
      description: The reference of the image after the task.
      type: str
      returned: always
      sample: registry.example.com/shop/web:1.5
    new_digest:
      description: Its digest.
      type: str
      returned: always
      sample: sha256:81d2
durations:
  description:
    - How many seconds the changes of each container took, by its name, with the waits for it. Empty in check mode.
  returned: success
  type: dict
  sample:
    shop-web-1: 12.4
pruned_images:
  description: The images that O(prune) has removed, as M(gantry.vsphere.container_image_info) describes them.
  returned: success
  type: list
  elements: dict
  sample: []
kept_images:
  description: The images that O(remove_images) does not remove, because other VMs use them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The reference.
      type: str
      returned: always
      sample: registry.example.com/shop/web:1.4
    in_use_by:
      description: The paths of the VMs.
      type: list
      elements: str
      returned: always
      sample: [/DC0/vm/other/web]
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

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.operation import ContainerStack
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerStack())


if __name__ == "__main__":
    main()

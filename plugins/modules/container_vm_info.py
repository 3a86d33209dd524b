#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_vm_info; what it does is in module_utils/_container."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_vm_info
short_description: Get facts about containers that run as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns facts about the containers of a vCenter, all of them or selected ones.
  - The number of requests does not depend on the number of virtual machines, except with O(exit_from_disk=true),
    O(events) and O(usage_minutes).
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_vm_info
options:
  name:
    description:
      - The names of the containers. By default all of them.
      - A name that no container has is not an error.
    type: list
    elements: str
    aliases: [names]
  labels:
    description:
      - Labels that the containers must have, with exactly these values.
    type: dict
  datacenter:
    description:
      - The datacenter that the containers are in, by name or path.
    type: str
  folder:
    description:
      - The folder that the containers are in or below, by its path below the datacenter's or its inventory path.
    type: str
  logs:
    description:
      - Whether to return the end of the output of each container that has ended, at most 16 KiB of it.
      - Bytes that are not UTF-8 are replaced.
    type: bool
    default: false
  exit_from_disk:
    description:
      - Whether to read how a container has ended from its scratch disk, if vSphere has discarded the end before a task
        recorded it. This applies only to containers whose VM is off and whose end is unknown.
      - The disk is read through an export lease of its VM, on any kind of datastore. Nothing is changed, and vCenter
        shows an export of the VM that was canceled in its recent tasks. The VM cannot be started or changed while its
        disk is read, which takes about a second.
      - It takes about five requests for each such container, to vCenter and to the ESXi host of the VM, which the
        Ansible controller must be able to reach on port 443.
      - M(gantry.vsphere.container_vm) and M(gantry.vsphere.container_set) do not read disks, and do not record what is
        read. The next start of the container replaces it.
      - The disk has less of the output than vSphere, some KiB of its end.
    type: bool
    default: false
  usage_minutes:
    description:
      - Of how many of the last minutes to return the resources that running containers have used, at most V(60).
        V(0) returns none.
      - They are vCenter's real-time statistics, samples of 20 seconds, which do not need to be enabled. A sample is
        available about a minute after its time.
      - It takes one request, and another for each hundred running containers.
    type: int
    default: 0
  events:
    description:
      - How many of the latest events of each container's VM to return, at most V(1000). V(0) returns none.
      - vCenter keeps events for 30 days, unless its settings say otherwise. A container that was replaced has only the
        events of its new VM.
      - It takes one request for each container, so select the containers.
    type: int
    default: 0
seealso:
  - module: gantry.vsphere.container_vm
notes:
  - vSphere can discard the guest's reports when its VM powers off. The exit code and the output of a container that has
    ended are then unknown, unless a task has recorded them or O(exit_from_disk=true).
"""

EXAMPLES = r"""
- name: Get facts about one container
  gantry.vsphere.container_vm_info:
    name: [web]
  register: result

- name: Find all containers of a project
  gantry.vsphere.container_vm_info:
    labels:
      project: shop

- name: Read the output of a container that has ended
  gantry.vsphere.container_vm_info:
    name: [job]
    logs: true

- name: Find out how the jobs of last night have ended, although no task was watching
  gantry.vsphere.container_vm_info:
    labels:
      kind: nightly
    logs: true
    exit_from_disk: true

- name: Find out why a container has moved, and what it has used in the last ten minutes
  gantry.vsphere.container_vm_info:
    name: [web]
    events: 20
    usage_minutes: 10
"""

RETURN = r"""
containers:
  description: The containers, in the order of their paths.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the container and its VM.
      type: str
      returned: always
      sample: web
    id:
      description: The identity of the container, new with each creation.
      type: str
      returned: always
      sample: 8d0c4a52-3f7e-4a3b-9d6e-0a1b2c3d4e5f
    moid:
      description: The managed object id of the VM.
      type: str
      returned: always
      sample: vm-1042
    instance_uuid:
      description: The instance UUID of the VM.
      type: str
      returned: always
      sample: 50219d3c-5e5f-4d0e-9c55-2d0b6f1f3c11
    image:
      description: The reference of the image as it was given.
      type: str
      returned: always
      sample: registry.example.com/nginx:1.27
    image_digest:
      description: The digest of the image.
      type: str
      returned: always
      sample: sha256:4c0fdaa8b6341bfdeca5f18f7837462c80cff90527ee35ef185571e1c327beac
    state:
      description: The state of the VM, V(running), V(stopped) or V(suspended).
      type: str
      returned: always
      sample: running
    status:
      description:
        - The state of the container, one of V(created), V(booting), V(running), V(restarting), V(stopping), V(exited)
          and V(error).
      type: str
      returned: always
      sample: running
    exit_code:
      description:
        - The exit code of a container that has ended, if it is known.
        - The VM of a container that has ended stays on for a minute, unless a task of M(gantry.vsphere.container_vm) or
          M(gantry.vsphere.container_set) sees it and records the end. vSphere can discard an end that no task has seen.
      type: int
      returned: always
      sample: 0
    oom_killed:
      description: Whether a process of the run that has ended was killed because the container ran out of memory.
      type: bool
      returned: always
      sample: false
    restart_count:
      description: How often the guest has restarted the container.
      type: int
      returned: always
      sample: 0
    health:
      description: V(starting), V(healthy), V(unhealthy), or V(none) without a health check; V(null) when not running.
      type: str
      returned: always
      sample: healthy
    health_output:
      description: The output of the last health check.
      type: str
      returned: always
      sample: ok
    error:
      description: Why the container could not be started, with C(code) and C(message), or V(null).
      type: dict
      returned: always
      sample:
        code: user_unknown
        message: there is no user www in the image
    document_source:
      description:
        - Where the guest has found the document of the container at its last start, if it is known.
        - V(guestinfo), in the settings of the VM.
        - V(scratch_disk), on its own scratch disk, because vSphere had dropped the setting. That is so if HA or another
          client has started a container that was edited while it ran. M(gantry.vsphere.container_vm) and
          M(gantry.vsphere.container_set) restore the setting before they start the container.
      type: str
      returned: always
      sample: guestinfo
    started_at:
      description: When the container was started, by the guest's clock.
      type: str
      returned: always
      sample: '2026-03-01T12:00:00Z'
    finished_at:
      description: When the container ended, by the guest's clock.
      type: str
      returned: always
      sample: '2026-03-01T13:00:00Z'
    ip_addresses:
      description: The addresses of the container, IPv4 first, without link-local ones.
      type: list
      elements: str
      returned: always
      sample: [10.77.0.12]
    networks:
      description: The network adapters as the guest sees them.
      type: list
      elements: dict
      returned: always
      contains:
        network:
          description: The name of the port group.
          type: str
          returned: always
          sample: VM Network
        mac_address:
          description: The MAC address.
          type: str
          returned: always
          sample: 00:50:56:a1:b2:c3
        connected:
          description: Whether it is connected.
          type: bool
          returned: always
          sample: true
        ip_addresses:
          description: Its addresses, including link-local ones.
          type: list
          elements: str
          returned: always
          sample: [10.77.0.12, 'fe80::250:56ff:fea1:b2c3']
    configured_addresses:
      description:
        - The static IPv4 addresses that the container is configured with, in the order of its networks. V(null) is DHCP
          or none. In check mode, another task can be given a predicted address before this one.
      type: list
      elements: str
      returned: always
      sample: [10.20.0.17/24]
    configured_ipv6_addresses:
      description:
        - The static IPv6 addresses that the container is configured with, in the order of its networks. V(null) stands
          for those that routers advertise or none.
      type: list
      elements: str
      returned: always
      sample: ['fd00:20::11/64']
    hostname:
      description: The host name in the container.
      type: str
      returned: always
      sample: web
    published_ports:
      description: The published ports that the task has listed, with their protocols.
      type: list
      elements: str
      returned: always
      sample: [80/tcp, "8443:443/tcp"]
    labels:
      description: The labels.
      type: dict
      returned: always
      sample:
        tier: front
    memory:
      description: The memory of the VM in bytes.
      type: int
      returned: always
      sample: 134217728
    cpus:
      description: The number of virtual CPUs.
      type: int
      returned: always
      sample: 1
    cpu_hot_add:
      description: Whether CPUs can be added while the container runs.
      type: bool
      returned: always
      sample: false
    memory_hot_add:
      description: Whether memory can be added while the container runs.
      type: bool
      returned: always
      sample: false
    notes:
      description: The notes of the VM.
      type: str
      returned: always
      sample: owned by the web team
    host:
      description: The host that the VM is on.
      type: str
      returned: always
      sample: esx1.example.com
    datacenter:
      description: The datacenter.
      type: str
      returned: always
      sample: DC0
    cluster:
      description: The cluster, or the single host.
      type: str
      returned: always
      sample: Cluster1
    resource_pool:
      description: The resource pool.
      type: str
      returned: always
      sample: Resources
    folder:
      description: The path of the folder.
      type: str
      returned: always
      sample: /DC0/vm/apps
    path:
      description: The path of the VM.
      type: str
      returned: always
      sample: /DC0/vm/apps/web
    datastore:
      description: The datastore of the VM.
      type: str
      returned: always
      sample: vsan0
    bootstrap:
      description: The bootstrap ISO of the VM.
      type: str
      returned: always
      sample: '[vsan0] gantry/bootstrap/gantry-bootstrap-1.0.0-0123456789ab.iso'
    guest_operations:
      description: Whether guest operations in the container are permitted with its secret.
      type: bool
      returned: always
      sample: false
    log:
      description: The end of the container's output, or V(null) if it is unknown.
      type: str
      returned: when O(logs=true)
      sample: cannot open /etc/app.conf
    exit_from_disk:
      description:
        - What became of reading the end of the container from its disk.
        - V(not_needed), the VM is not off, the container was never started, or its end is known.
        - V(read), the end is that on the disk.
        - V(not_ended), the VM was powered off or has crashed before the container ended.
        - V(no_disk), the container has no scratch disk, so its end was in memory only.
        - V(other_disk), no disk of the VM has the file system of this container, which was never started or whose disk
          was replaced.
        - V(no_record), the disk has no record of an end. The bootstrap of the container is of an earlier version.
        - V(other_document), the record is that of a run before the configuration of the container was changed.
        - V(busy), the VM was started or removed, or another task of it is running.
      type: str
      returned: when O(exit_from_disk=true)
      sample: read
    usage:
      description:
        - What the VM has used of its host, or V(null) if vCenter has no samples of it, as of a VM that is off.
        - Each of the figures has C(average) and C(maximum), or is V(null) if no sample has it.
      type: dict
      returned: when O(usage_minutes) is not V(0)
      contains:
        samples:
          description: The number of samples.
          type: int
          returned: always
          sample: 30
        begin:
          description: The time of the first sample, by vCenter's clock.
          type: str
          returned: always
          sample: '2026-03-01T12:00:00Z'
        end:
          description: The time of the last sample.
          type: str
          returned: always
          sample: '2026-03-01T12:09:40Z'
        cpu_percent:
          description: CPU time as a percentage of that of all virtual CPUs.
          type: dict
          returned: always
          sample: {average: 12.5, maximum: 80.01}
        cpu_mhz:
          description: CPU time in MHz.
          type: dict
          returned: always
          sample: {average: 250, maximum: 1600}
        memory_bytes:
          description: Memory of the host that the VM occupies, in bytes.
          type: dict
          returned: always
          sample: {average: 104857600, maximum: 115343360}
        disk_read_bytes_per_second:
          description: Bytes per second read from disks.
          type: dict
          returned: always
          sample: {average: 0, maximum: 20480}
        disk_write_bytes_per_second:
          description: Bytes per second written to disks.
          type: dict
          returned: always
          sample: {average: 1024, maximum: 40960}
        network_receive_bytes_per_second:
          description: Bytes per second received by the adapters.
          type: dict
          returned: always
          sample: {average: 5120, maximum: 10240}
        network_transmit_bytes_per_second:
          description: Bytes per second sent by the adapters.
          type: dict
          returned: always
          sample: {average: 7168, maximum: 51200}
    events:
      description: What has happened to the VM, oldest first.
      type: list
      elements: dict
      returned: when O(events) is not V(0)
      contains:
        time:
          description: When it has happened, by vCenter's clock.
          type: str
          returned: always
          sample: '2026-03-01T12:00:00Z'
        action:
          description:
            - What has happened, one of V(created), V(started), V(stopped), V(shutdown), V(rebooted), V(reset),
              V(suspended), V(moved), V(reconfigured), V(renamed), V(start_failed), V(move_failed), V(connected) and
              V(disconnected).
            - V(null) for other events, which RV(containers[].events[].type) and RV(containers[].events[].message)
              describe.
          type: str
          returned: always
          sample: moved
        cause:
          description:
            - V(drs) or V(ha) if vSphere has done it by itself, V(user) if RV(containers[].events[].user) has requested
              it, or V(null) if the event does not say, as of a guest that powers itself off.
          type: str
          returned: always
          sample: drs
        user:
          description: The user of vCenter who has requested it, or V(null).
          type: str
          returned: always
          sample: VSPHERE.LOCAL\operator
        host:
          description: The host that the VM was on then, or V(null).
          type: str
          returned: always
          sample: esx2.example.com
        source_host:
          description: The host from which it was moved, or V(null).
          type: str
          returned: always
          sample: esx1.example.com
        type:
          description: The type of the event in the vSphere API.
          type: str
          returned: always
          sample: DrsVmMigratedEvent
        message:
          description: The event as the vSphere Client shows it, in the language of vCenter.
          type: str
          returned: always
          sample: DRS migrated web from esx1.example.com to esx2.example.com in cluster Cluster1
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVmInfo
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerVmInfo())


if __name__ == "__main__":
    main()

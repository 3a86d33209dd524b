#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_vm_logs; what it does is in module_utils/_container_logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_vm_logs
short_description: Read the logs of containers that run as virtual machines
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Returns the output of one or more containers, as C(docker logs) does. They can be running, or have ended.
  - A guest keeps the last output of its container beside the container's writable layer, with the time and the stream
    of each line. The option C(log_max_size) of M(gantry.vsphere.container_vm) says how much. It survives restarts, and
    moves to other hosts and datastores.
  - The log of a running container is read in its guest by vSphere's guest operations, so no network to the container is
    needed. The container must permit guest operations with the secret that is derived from O(guest_key). See the option
    C(guest_operations) of M(gantry.vsphere.container_vm).
  - Of a container that has ended, its record is read, which has the last lines of the log, at most 16 KiB of text. The
    whole log can be read when the container is started again.
  - A task returns the positions at which the logs end. With them as O(positions), the next task goes on there, and
    reports if lines were lost in between.
extends_documentation_fragment:
  - gantry.vsphere.attributes.info_module
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_vm_logs
options:
  name:
    description:
      - The names of the containers.
    type: list
    elements: str
    required: true
    aliases: [names, container]
  tail:
    description:
      - The number of lines to return from the end of each log, of those that the other options select. By default all.
      - A line of more than 16 KiB counts as several.
    type: int
  since:
    description:
      - Leave out lines that are older than this. It is a time with its offset, such as V(2026-03-01T12:00:00Z), or a
        duration that is counted back from now by the clock of the Ansible controller, such as V(10m) or V(1h30m).
    type: str
  until:
    description:
      - Leave out lines from this time on, in the format of O(since).
    type: str
  streams:
    description:
      - The streams whose lines are returned.
    type: list
    elements: str
    choices: [stdout, stderr]
    default: [stdout, stderr]
  timestamps:
    description:
      - Whether to begin each line with its time, in UTC and with nanoseconds, as C(docker logs --timestamps) does.
    type: bool
    default: false
  positions:
    description:
      - Where to go on, by the name of the container, as an earlier task has returned it in RV(positions).
      - A container without a position is read from the oldest line on. Positions of other containers are ignored.
    type: dict
  max_size:
    description:
      - How much text of each running container is returned, at least. The task goes on to the end of a page of up to
        128 KiB, and returns RV(logs[].more=true) if there is more.
      - The oldest lines come first. Use O(tail) for the latest.
    type: str
    default: 16M
  datacenter:
    description:
      - The datacenter of the containers, by name or path. It selects a container if several have this name.
    type: str
  folder:
    description:
      - The folder that the containers are in or below, by its path below the datacenter's or its inventory path. It
        selects a container if several have this name.
    type: str
  guest_key:
    description:
      - The key from which the secret of each container is derived, as the task that created the container had it.
      - It is needed for containers that run.
      - The default is the environment variable E(GANTRY_GUEST_KEY).
    type: str
seealso:
  - module: gantry.vsphere.container_vm
  - module: gantry.vsphere.container_vm_exec
  - module: gantry.vsphere.container_vm_info
notes:
  - The order of lines of different streams is that in which the guest has read them, which can differ from the order
    in which they were written. Docker has the same limit.
  - A line is in the log when it has ended, or when its stream has.
  - If the writable layer of a container is in memory, so is its log, which ends with each power off. A position in it
    is then not of the next log.
  - vCenter or the ESXi host of the container serves the log. The machine that runs the module must resolve the host's
    name and reach its port 443.
"""

EXAMPLES = r"""
- name: Show the last lines of a web server
  gantry.vsphere.container_vm_logs:
    name: web
    tail: 20
    timestamps: true
    guest_key: "{{ vault_guest_key }}"

- name: Read the errors of the last ten minutes of two containers
  gantry.vsphere.container_vm_logs:
    name: [web, db]
    streams: [stderr]
    since: 10m
    guest_key: "{{ vault_guest_key }}"
  register: before

- name: Read what they have written since then
  gantry.vsphere.container_vm_logs:
    name: [web, db]
    streams: [stderr]
    positions: "{{ before.positions }}"
    guest_key: "{{ vault_guest_key }}"
"""

RETURN = r"""
logs:
  description: The logs, in the order of O(name).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the container.
      type: str
      returned: always
      sample: web
    status:
      description: The status of the container, as M(gantry.vsphere.container_vm_info) returns it.
      type: str
      returned: always
      sample: running
    source:
      description: V(guest) for a container that runs, and V(record) for one that has ended.
      type: str
      returned: always
      sample: guest
    lines:
      description: The lines. Bytes that are not UTF-8 are replaced.
      type: list
      elements: str
      returned: always
      sample: ["listening on port 80"]
    position:
      description: Where the next task goes on. It is null if there is no log.
      type: str
      returned: always
      sample: 5f2a9c3e8b7d6a10-1042-88211
    lost:
      description: Whether lines between the position of the task and the first line here are gone, or may be.
      type: bool
      returned: always
      sample: false
    lost_lines:
      description: The number of lines that are gone. It is null if the position of the task was not of this log.
      type: int
      returned: always
      sample: 0
    more:
      description: Whether there was more to read than O(max_size).
      type: bool
      returned: always
      sample: false
positions:
  description: The positions by the name of the container, for the option O(positions) of the next task.
  returned: success
  type: dict
  sample: {"web": "5f2a9c3e8b7d6a10-1042-88211"}
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.operation import ContainerVmLogs
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerVmLogs())


if __name__ == "__main__":
    main()

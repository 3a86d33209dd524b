#!/usr/bin/python
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of container_vm_exec; what it does is in module_utils/_container_exec."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_vm_exec
short_description: Run a program in a container that runs as a virtual machine
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Runs a program in a running container, waits for its end, and returns its output and its exit code.
  - Options with the same meaning have the same names as in M(community.docker.docker_container_exec).
  - The program is run by vSphere's guest operations, so no network to the container is needed. It has the container's
    file system, namespaces, capabilities and limits. No shell is involved.
  - The container must permit guest operations with the secret that is derived from O(guest_key). See the option
    C(guest_operations) of M(gantry.vsphere.container_vm).
extends_documentation_fragment:
  - gantry.vsphere.attributes.program
  - gantry.vsphere.vcenter
  - gantry.vsphere.privileges.container_vm_exec
options:
  name:
    description:
      - The name of the container.
    type: str
    required: true
    aliases: [container]
  argv:
    description:
      - The program and its arguments. The program is searched in the C(PATH) of the container, or in that of O(env).
      - Exactly one of O(argv) and O(command) is required.
    type: list
    elements: str
  command:
    description:
      - The program and its arguments, as one string that is split as a shell would split it. It is not run by a shell.
        For that, give one, as in V(/bin/sh -c "echo $HOME").
    type: str
  chdir:
    description:
      - The working directory, an absolute path in the container. By default the container's.
    type: str
  user:
    description:
      - The user, optionally with a colon and the group, by name or number. By default the container's.
    type: str
  env:
    description:
      - Environment variables, which are added to the container's or override them.
      - The values must be strings. Numbers and booleans are refused because YAML may have changed them.
    type: dict
  stdin:
    description:
      - The standard input of the program. By default it is empty.
      - It is passed on together with O(argv) and O(env). All together have at most 48 KiB as JSON, with O(stdin) in
        base64.
    type: str
  stdin_add_newline:
    description:
      - Whether to append a newline to O(stdin).
    type: bool
    default: true
  detach:
    description:
      - Whether to start the program without waiting for its end. It goes on in the container until it ends, until
        O(timeout), or until the container is stopped, and its output is not returned.
      - The task fails if the program cannot be started, which is reported within half a second.
      - At most 16 programs run in a container at the same time, those of other tasks included.
    type: bool
    default: false
  strip_empty_ends:
    description:
      - Whether to remove newlines from the end of the output.
    type: bool
    default: true
  timeout:
    description:
      - The seconds after which the program is killed and the task fails. With V(0) there is no limit.
      - With O(detach=true), the guest kills the program after that time, and the task does not wait for it.
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
  - module: gantry.vsphere.container_vm_info
  - module: community.docker.docker_container_exec
notes:
  - The task fails if the program cannot be started or is killed at O(timeout), but not for an exit code other than 0.
    Use C(failed_when) for that.
  - A task always reports a change. Use C(changed_when) for programs that change nothing.
  - Arguments, variables and input of a program may be secrets. Use C(no_log) then. The actions that are returned have
    only the program's name.
  - vCenter or the ESXi host of the container serves the output. The machine that runs the module must resolve the
    host's name and reach its port 443.
"""

EXAMPLES = r"""
- name: Reload the configuration of a web server
  gantry.vsphere.container_vm_exec:
    name: web
    argv: [nginx, -s, reload]
    guest_key: "{{ vault_guest_key }}"

- name: Count the rows of a table
  gantry.vsphere.container_vm_exec:
    name: db
    argv: [psql, --tuples-only]
    user: postgres
    stdin: SELECT count(*) FROM orders
    guest_key: "{{ vault_guest_key }}"
  register: orders
  changed_when: false
  failed_when: orders.rc != 0

- name: Migrate the database, in the directory of the application
  gantry.vsphere.container_vm_exec:
    name: shop
    command: /bin/sh -c "./manage migrate && ./manage check"
    chdir: /srv/shop
    env:
      LOG_LEVEL: info
    timeout: 600
    guest_key: "{{ vault_guest_key }}"

- name: Rebuild the index of a search engine, for at most a day and without waiting for it
  gantry.vsphere.container_vm_exec:
    name: search
    argv: [rebuild-index, --all]
    detach: true
    timeout: 86400
    guest_key: "{{ vault_guest_key }}"
"""

RETURN = r"""
pid:
  description:
    - The number of the program in the guest operations of the container, as C(ListProcessesInGuest) returns it. It is
      not a process id of the kernel.
  returned: success, with O(detach=true)
  type: int
  sample: 5213442
rc:
  description: The exit code of the program, or 128 and the number of the signal that ended it.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: int
  sample: 0
stdout:
  description: The standard output, at most 1 MiB of it. Bytes that are not UTF-8 are replaced.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: str
  sample: "42"
stdout_lines:
  description: The lines of the standard output.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: list
  elements: str
  sample: ["42"]
stderr:
  description: The standard error, at most 1 MiB of it. Bytes that are not UTF-8 are replaced.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: str
  sample: ""
stderr_lines:
  description: The lines of the standard error.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: list
  elements: str
  sample: []
truncated:
  description:
    - Whether only the beginning of the output was kept, because a stream had more than 1 MiB, or the container has
      little memory. The task then has a warning.
  returned: success without O(detach), or when the program was killed at O(timeout)
  type: bool
  sample: false
actions:
  description: What was done, with the name of the program and without its arguments.
  returned: success
  type: list
  elements: str
  sample: [run psql in db]
"""

from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.operation import ContainerVmExec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.module import run_module


def main() -> None:
    run_module(ContainerVmExec())


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run tasks in a container through vSphere's guest operations. What reaches it is in module_utils/_container_exec."""

from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks in a container that runs as a virtual machine
version_added: 0.1.0
author:
  - gantry.vsphere contributors (@gantry-vsphere)
description:
  - Runs the commands of tasks in a container, and copies files to it and from it, by vSphere's guest operations. No
    network to the container and no SSH are needed.
  - M(ansible.builtin.raw) needs a shell in the container. Other modules need Python there, too.
  - The container must permit guest operations with the secret that is derived from O(guest_key). See the option
    C(guest_operations) of M(gantry.vsphere.container_vm).
extends_documentation_fragment:
  - gantry.vsphere.vcenter.connection
  - gantry.vsphere.privileges.container_vm_copy
options:
  name:
    description:
      - The name of the container.
      - The inventory plugin P(gantry.vsphere.container_vms#inventory) sets C(ansible_host) to the container's address.
        Set C(ansible_gantry_container) to its name then, with the inventory's option C(compose).
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_gantry_container
  remote_user:
    description:
      - The user who runs the commands, optionally with a colon and the group, by name or number. By default the
        container's.
      - The files that are copied to the container are theirs, too.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_gantry_user
    ini:
      - section: defaults
        key: remote_user
    env:
      - name: ANSIBLE_REMOTE_USER
    keyword:
      - name: remote_user
    cli:
      - name: user
  guest_key:
    description:
      - The key from which the secret of the container is derived, as the task that created the container had it.
    type: str
    vars:
      - name: ansible_gantry_guest_key
    env:
      - name: GANTRY_GUEST_KEY
  command_timeout:
    description:
      - The seconds after which a command is killed, and a copy ends. With V(0) there is no limit.
    type: int
    default: 3600
    vars:
      - name: ansible_gantry_command_timeout
  datacenter:
    description:
      - The datacenter of the container, by name or path. It selects the container if several have this name.
    type: str
    vars:
      - name: ansible_gantry_datacenter
  folder:
    description:
      - The folder that the container is in or below, by its path below the datacenter's or its inventory path. It
        selects the container if several have this name.
    type: str
    vars:
      - name: ansible_gantry_folder
  session_cache:
    description:
      - Whether the cookie of the session with vCenter is kept for the next task, readable only by the user who runs
        Ansible. Otherwise each command logs in and out.
    type: bool
    default: true
    vars:
      - name: gantry_session_cache
notes:
  - Become methods are not supported. Set the user by C(ansible_user).
  - Output of more than 1 MiB is an error, because it would be incomplete.
"""

EXAMPLES = r"""
- name: Look at a container that may have no Python
  hosts: web-1,web-2
  gather_facts: false
  vars:
    ansible_connection: gantry.vsphere.container
    ansible_gantry_guest_key: "{{ vault_guest_key }}"
  tasks:
    - name: Read the load
      ansible.builtin.raw: cat /proc/loadavg
      changed_when: false
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.apply_archive import Packed, archive_of
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.decode import decode_listing
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.extract import extract
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.guest import Guest
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import (
    ExecResult,
    GuestSelection,
    ObservedExec,
    ReachedGuest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.observe import observe_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.target import reach
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import parse_guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import EXEC, exec_arguments
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.archive import REGULAR, TarEntry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.plugin_utils.sessions import session_source

_MAX_FETCHED_BYTES = 1 << 40
_NEW_FILE = 0o600


class Connection(ConnectionBase):  # type: ignore[misc] # ansible-core has no types
    """A connection to the guest of one container."""

    transport = "gantry.vsphere.container"
    # The input of a command has at most 48 KiB, and a module with its arguments has more.
    has_pipelining = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session: Session | None = None
        self._found: tuple[ObservedExec, ReachedGuest] | None = None

    def _connect(self) -> Connection:
        if self.become is not None:
            raise AnsibleError(
                f"The keyword become is not supported by {self.transport}. Set ansible_user to the user who is to run "
                "the commands."
            )
        self._connected = True
        return self

    def close(self) -> None:
        self._session, self._found = None, None
        self._connected = False

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command by the shell of the container."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        timeout = self.get_option("command_timeout")
        with self._guest() as guest:
            arguments = exec_arguments(
                [self._play_context.executable or "/bin/sh", "-c", cmd],
                user=self.get_option("remote_user"),
                env={},
                working_dir=None,
                stdin=in_data,
                timeout=timeout,
            )
            found = guest.run(EXEC, arguments, timeout, "The command")
            self._refuse_incomplete(found, timeout)
        return found.rc, found.stdout, found.stderr

    def _refuse_incomplete(self, found: ExecResult, timeout: int) -> None:
        name = self.get_option("name")
        if found.problem is not None:
            raise GantryError(f"Could not run the command in container {name}: {found.problem.rstrip('.')}.")
        if found.timed_out:
            raise GantryError(
                f"The command in container {name} did not end within {timeout} s (command_timeout) and was killed."
            )
        if found.truncated:
            raise GantryError(
                f"The output of the command in container {name} has more than the guest keeps, which is 1 MiB, or less "
                "if the container has little memory. Write it to a file, and fetch that."
            )

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file to the container. It replaces another file at once, or not at all."""
        super().put_file(in_path, out_path)
        source = Path(in_path)
        if not source.is_file():
            raise AnsibleFileNotFound(f"The file {in_path} does not exist, or is not a regular file.")
        directory, _slash, name = out_path.rpartition("/")
        timeout = self.get_option("command_timeout")
        with self._guest() as guest:
            listed = guest.list_files(directory or "/", timeout, follow=True, user=self.get_option("remote_user") or "")
            place = decode_listing(listed, directory or "/", guest.name)
            entry = TarEntry(
                os.fsencode(name), REGULAR, mode=_NEW_FILE, uid=place.uid, gid=place.gid, size=source.stat().st_size
            )
            done = guest.unpack(place.path, archive_of([Packed(entry, source)]), timeout)
            if done.problem is not None:
                raise GantryError(
                    f"Could not copy to {out_path} in container {guest.name}: {done.problem.rstrip('.')}."
                )

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the container."""
        super().fetch_file(in_path, out_path)
        target = Path(out_path)
        with (
            self._guest() as guest,
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".gantry-") as directory,
            guest.pack(in_path, self.get_option("command_timeout"), follow=True) as blocks,
        ):
            entries = extract(blocks, Path(directory), _MAX_FETCHED_BYTES)
            if len(entries) != 1 or entries[0].kind != REGULAR:
                raise GantryError(f"{in_path} in container {guest.name} is not a regular file.")
            (Path(directory) / os.fsdecode(entries[0].path)).replace(target)

    @contextmanager
    def _guest(self) -> Iterator[Guest]:
        """Yield the guest, and report errors as failures of the connection. The container is looked up once."""
        self._connect()
        params = {name: self.get_option(name) for name in connection_argument_spec()}
        try:
            selected = GuestSelection(
                name=self.get_option("name"),
                guest_key=parse_guest_key(self.get_option("guest_key")),
                datacenter=self.get_option("datacenter"),
                folder=self.get_option("folder"),
            )
            with session_source(on_disk=self.get_option("session_cache"))(params) as session:
                if self._found is None or self._session is not session:
                    observed = observe_exec(session, selected)
                    self._session, self._found = session, (observed, reach(selected, observed))
                yield Guest(session, *self._found)
        except GantryError as error:
            raise AnsibleConnectionFailure(error.message) from error

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that files are copied into a booted container and out of it, and that tasks run in it as in a host of a play."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.connection import connection_environment
from tests.support.guests.containers import PATIENCE, READY, READY_FILE, Containers
from tests.support.guests.machine import SMALLEST_MIB
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner

KEY = "key-of-copied-files"
# The memory of the VM has no room for a file of this size.
MEMORY, LARGE_BYTES = f"{SMALLEST_MIB}M", 64 << 20


def _runner(containers: Containers, name: str) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a module for the container."""

    def run(module: str, **options: Any) -> dict[str, Any]:
        given = {"name": name, "guest_key": KEY, **options}
        result = drive(module, {**containers.lab["vcenter"], "request_timeout": PATIENCE, **given})
        assert not result.get("failed"), result
        return result

    return run


def _copy_in_and_out(containers: Containers, name: str, folder: Path) -> None:
    run = _runner(containers, name)
    source, back = folder / "source", folder / "back"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "data").write_bytes(os.urandom(3000))
    (source / "link").symlink_to("sub/data")
    into = {"container_path": "/srv/site", "path": str(source), "owner": "nobody", "mode": "0640"}
    assert run("container_vm_copy", **into)["files"] == ["", "link", "sub", "sub/data"]
    assert not run("container_vm_copy", **into)["changed"]
    # More than one packet comes back, and it is what the container has.
    script = "cd /srv/site; stat -c '%a %u %s' sub/data; head -c 200000 /dev/urandom > large; sha256sum < large"
    seen = run("container_vm_exec", argv=["sh", "-c", script])["stdout_lines"]
    assert seen[0] == "640 65534 3000"
    assert run("container_vm_copy", container_path="/srv/site", dest=str(back))["changed"]
    assert hashlib.sha256((back / "large").read_bytes()).hexdigest() == seen[1].split()[0]
    assert (back / "link").read_bytes() == (source / "sub" / "data").read_bytes()
    assert (back / "sub" / "data").stat().st_mode & 0o777 == 0o640


def _copy_a_large_file(containers: Containers, name: str, folder: Path) -> None:
    run = _runner(containers, name)
    source, back = folder / "large", folder / "large-back"
    source.write_bytes(os.urandom(LARGE_BYTES))
    assert run("container_vm_copy", container_path="/srv/large", path=str(source))["changed"]
    digest = run("container_vm_exec", argv=["sh", "-c", "sha256sum /srv/large"])["stdout"].split()[0]
    assert run("container_vm_copy", container_path="/srv/large", dest=str(back))["changed"]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (source, back)]
    assert digests == [digest, digest]


def _run_as_a_host(containers: Containers, name: str, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    (folder / "script").write_text("#!/bin/sh\necho scripted by $(id -un)\n")
    play = PlaybookRunner(home, connection_environment(containers.lab))
    variables = {"ansible_connection": "gantry.vsphere.container", "ansible_gantry_guest_key": KEY}
    tasks = [
        {"ansible.builtin.raw": "id -un; stat -c %s /srv/site/large"},
        {"ansible.builtin.script": str(folder / "script")},
    ]
    ran = play(tasks, way=None, inventory=f"{name},", extra_vars=variables).ok()
    assert ran.outcomes[0]["stdout"].splitlines() == ["root", "200000"]
    assert ran.outcomes[1]["stdout"].strip() == "scripted by root"


def test_files_and_tasks_in_a_container(containers: Containers, name: str, tmp_path: Path) -> None:
    options = {
        "image": "tiny",
        "entrypoint": ["/bin/sh", "-c"],
        "command": [f"mkdir -p /srv; touch {READY_FILE}; exec sleep 100000"],
    }
    # All capabilities are dropped: those of a copy are not the container's.
    options |= {"capabilities": [], "stop_timeout": 1}
    options |= {"memory": MEMORY, "guest_operations": True, "guest_key": KEY}
    containers.run(name, datastore=containers.lab["datastore"], **options, **READY)
    _copy_in_and_out(containers, name, tmp_path)
    _copy_a_large_file(containers, name, tmp_path)
    _run_as_a_host(containers, name, tmp_path)

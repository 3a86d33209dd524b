# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the connection plugin with the lab's vCenter and a guest that is not booted: its programs are scripted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.playbook.play_context import PlayContext

from ansible_collections.gantry.vsphere.plugins.connection.container import Connection
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import PlaybookRunner

VM = "gantry.vsphere.container_vm"
NAME = f"{PREFIX}connected"
KEY = "key-of-connections"
BUDGET = 10
Connect = Callable[..., Connection]


class Configured(Connection):
    """A connection whose options are given, and not found by Ansible."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(PlayContext(), os.devnull)
        self.given = options

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self.given[option]


@pytest.fixture
def container(builder: VmBuilder, direct: DirectRunner, lab: dict[str, Any]) -> Iterator[str]:
    """Start a container that permits guest operations, and yield its name."""
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    direct({VM: {"name": NAME, "image": IMAGE, "guest_operations": True, "guest_key": KEY, **place}}).ok()
    yield NAME
    builder.clear()


@pytest.fixture
def connect(container: str, lab: dict[str, Any], home: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    vcenter = {"port": 443, "validate_certs": True, "ca_path": None, "proxy_host": None, "proxy_port": None}
    options = {**vcenter, "connect_timeout": 10.0, "request_timeout": 120.0, **lab["vcenter"], "name": container}
    options |= {"guest_key": KEY, "remote_user": None, "command_timeout": 60, "datacenter": None, "folder": None}

    def make(**changes: Any) -> Connection:
        return Configured({**options, "session_cache": True, **changes})

    return make


def script(**steps: Any) -> str:
    """Return a command that the guest of a lab without a hypervisor runs as this says."""
    return f"lab-exec {json.dumps(steps)}"


def test_raw_runs_a_command_in_the_container(play: PlaybookRunner, container: str, calls: Control) -> None:
    variables = {
        "ansible_connection": "gantry.vsphere.container",
        "ansible_gantry_guest_key": KEY,
        "ansible_user": "www",
    }
    tasks = [
        {"ansible.builtin.raw": script(stdout="out\n", stderr="err\n", exit_code=3), "ignore_errors": True},
        {"ansible.builtin.raw": script(show=True)},
        {"ansible.builtin.raw": "true", "become": True, "ignore_errors": True},
    ]
    ran = play(tasks, way=None, inventory=f"{container},", extra_vars=variables).ok()
    failed, shown, refused = ran.outcomes
    assert (failed["rc"], failed["stdout"], failed["stderr"]) == (3, "out\n", "err\n")
    assert json.loads(shown["stdout"])["user"] == "www"
    assert "become is not supported" in str(refused.result)
    assert calls.methods().count("Login") == 1
    assert len(calls.methods()) <= 2 * BUDGET


@pytest.mark.parametrize("size", [0, 1, 512, 300_000])
def test_a_file_is_the_same_there_and_back(connect: Connect, tmp_path: Path, size: int) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    source, back = folder / "source", folder / "back"
    source.write_bytes(os.urandom(size))
    connection = connect()
    connection.put_file(str(source), "/tmp/copied")
    connection.fetch_file("/tmp/copied", str(back))
    assert back.read_bytes() == source.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["back", "source"]


def test_the_commands_of_a_connection_share_a_session_and_a_lookup(connect: Connect, calls: Control) -> None:
    connection = connect()
    calls.forget()
    for _number in range(3):
        assert connection.exec_command("true") == (0, b"", b"")
    methods = calls.methods()
    assert methods.count("Login") <= 1
    assert methods.count("StartProgramInGuest") == 3
    assert len(methods) <= 3 * 4 + 6, methods


def test_files_that_cannot_be_copied_are_refused(connect: Connect, tmp_path: Path) -> None:
    connection, source = connect(), tmp_path / "source"
    with pytest.raises(AnsibleFileNotFound, match="does not exist"):
        connection.put_file(str(source), "/tmp/x")
    source.write_text("x")
    with pytest.raises(AnsibleConnectionFailure, match=r"/nowhere: no such file or directory"):
        connection.put_file(str(source), "/nowhere/below/x")
    with pytest.raises(AnsibleConnectionFailure, match=r"/tmp: is a directory"):
        connection.put_file(str(source), "/tmp")
    with pytest.raises(AnsibleConnectionFailure, match=r"/absent: no such file or directory"):
        connection.fetch_file("/absent", str(source))
    with pytest.raises(AnsibleConnectionFailure, match="is not a regular file"):
        connection.fetch_file("/tmp", str(source))
    assert source.read_text() == "x"


@pytest.mark.parametrize(
    ("options", "command", "message"),
    [
        ({"name": "nothing"}, "true", "There is no container 'nothing'"),
        ({"guest_key": "another-key-of-connections"}, "true", "has the secret of another guest_key"),
        ({"guest_key": None}, "true", "There is no guest_key"),
        ({}, "absent", "Could not run the command in container"),
        ({"command_timeout": 1}, script(run_ms=60_000), r"did not end within 1 s \(command_timeout\)"),
        ({}, script(stdout="x" * 40_000), None),
    ],
)
def test_a_command_that_is_not_run_is_explained(
    connect: Connect, options: dict[str, Any], command: str, message: str | None
) -> None:
    connection = connect(**options)
    if message is None:
        assert len(connection.exec_command(command)[1]) == 40_000
        return
    with pytest.raises(AnsibleConnectionFailure, match=message):
        connection.exec_command(command)


def test_become_is_refused(connect: Connect) -> None:
    connection = connect()
    connection.set_become_plugin(object())
    with pytest.raises(AnsibleError, match="Set ansible_user"):
        connection.exec_command("true")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the role container_stack by its playbooks: update, fallback, rollback, canaries, smoke tests, bad input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.containers import IMAGE, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner, Run
from tests.support.runtime import runtime_package

ROLE = "gantry.vsphere.container_stack"
PROJECT = "role"
FILE = f"""
name: {PROJECT}
services:
  web:
    image: {IMAGE}
    environment: {{TAG: "${{TAG:-1}}"}}
    deploy: {{replicas: 2}}
  canary:
    image: {IMAGE}
    environment: {{TAG: "${{TAG:-1}}"}}
  db:
    image: {IMAGE}
    x-gantry: {{guest_operations: true}}
"""


@dataclass(frozen=True)
class StackPlaybooks:
    """The playbooks of the role for one project."""

    play: PlaybookRunner
    calls: Control
    lab: Mapping[str, Any]

    def run(self, playbook: str = "update", *, check: bool = False, **variables: Any) -> Run:
        common = {
            "container_stack_definition": FILE,
            "container_stack_cluster": self.lab["cluster"],
            "container_stack_networks": {"*": "VM Network"},
            "container_stack_guest_key": "key-of-the-role-stack",
        }
        self.calls.reset()
        return self.play(
            ROOT / "playbooks" / f"{playbook}.yml", way=None, check=check, extra_vars={**common, **variables}
        )

    def port(self) -> int:
        """Return a port that accepts connections: nothing boots in this lab, so its registry answers."""
        return int(self.lab["registry"].rpartition(":")[2])


@pytest.fixture(scope="module", autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with runtime_package(tmp_path_factory.mktemp("runtime")):
        yield


@pytest.fixture
def playbooks(
    builder: VmBuilder, play: PlaybookRunner, calls: Control, lab: dict[str, Any]
) -> Iterator[StackPlaybooks]:
    yield StackPlaybooks(play, calls, lab)
    calls.reset()
    drive("container_set", {**lab["vcenter"], "project": PROJECT, "state": "absent"})
    builder.clear()


def tags(builder: VmBuilder) -> dict[str, str]:
    """Return the version of each container."""
    names = ("role-canary-1", "role-web-1", "role-web-2")
    values = {name: builder.vm(name).spec["process"]["env"] for name in names}
    return {name: next(one for one in env if one.startswith("TAG=")) for name, env in values.items()}


def test_an_update_is_predicted_and_converges_and_a_rollback_goes_back(
    playbooks: StackPlaybooks, builder: VmBuilder
) -> None:
    predicted = playbooks.run(check=True).ok()
    assert playbooks.calls.mutating() == []
    made = playbooks.run().ok()
    assert made.last["msg"] == predicted.last["msg"]
    again = playbooks.run().ok()
    assert not any(outcome.changed for outcome in again.outcomes)
    assert playbooks.calls.mutating() == []
    playbooks.run(update_variables={"TAG": "2"}, container_stack_variables={"TAG": "1"}).ok()
    assert set(tags(builder).values()) == {"TAG=2"}
    playbooks.run("rollback", rollback_variables={"TAG": "1"}, container_stack_variables={"TAG": "2"}).ok()
    assert set(tags(builder).values()) == {"TAG=1"}
    assert "rollback_variables is not given" in playbooks.run("rollback").last.msg
    assert playbooks.calls.mutating() == []


def test_a_canary_that_fails_its_smoke_test_leaves_the_others_and_the_fallback_goes_back(
    playbooks: StackPlaybooks, builder: VmBuilder
) -> None:
    playbooks.run().ok()
    failing = {
        "container_stack_canary": ["canary"],
        "container_stack_smoke_tests": [{"service": "canary", "url": "http://127.0.0.1:1/", "timeout": 2}],
        "update_variables": {"TAG": "2"},
    }
    left = playbooks.run(**failing)
    assert left.code != 0
    assert "Nothing was rolled back, because update_fallback_variables is not given." in left.last.msg
    assert tags(builder) == {"role-canary-1": "TAG=2", "role-web-1": "TAG=1", "role-web-2": "TAG=1"}
    # The smoke test fails with every version here, so the way back fails, too, after the canary has gone it.
    back = playbooks.run(**failing, update_fallback_variables={"TAG": "1"})
    assert back.code != 0
    assert set(tags(builder).values()) == {"TAG=1"}


def test_an_update_whose_smoke_test_fails_goes_back_to_the_fallback(
    playbooks: StackPlaybooks, builder: VmBuilder
) -> None:
    playbooks.run().ok()
    # The test of version 2 expects what no answer has.
    expected = "{{ 'nothing' if container_stack_version.TAG | default('1') == '2' else '{}' }}"
    url = f"http://127.0.0.1:{playbooks.port()}/v2/"
    smoke = {"service": "web", "url": url, "content": expected, "timeout": 2}
    update = {"update_variables": {"TAG": "2"}, "update_fallback_variables": {"TAG": "1"}}
    failed = playbooks.run(container_stack_smoke_tests=[smoke], **update)
    assert failed.code != 0
    assert "The project was brought back by update_fallback_variables." in failed.last.msg
    assert set(tags(builder).values()) == {"TAG=1"}
    assert playbooks.run(container_stack_smoke_tests=[smoke]).ok().last["msg"] == ["Nothing was to be done."]


def test_a_program_in_the_container_is_a_smoke_test(playbooks: StackPlaybooks) -> None:
    said = {"service": "db", "argv": ["lab-exec", '{"stdout": "ready"}'], "content": "ready"}
    run = playbooks.run(container_stack_smoke_tests=[said]).ok()
    assert [one.status for one in run.task(f"{ROLE} : Test by a program in the container").items] == ["ok"]
    assert playbooks.run(container_stack_smoke_tests=[{**said, "content": "done"}]).code != 0
    assert playbooks.run(container_stack_smoke_tests=[{**said, "argv": ["lab-exec", '{"exit_code": 1}']}]).code != 0


def test_smoke_tests_are_of_addresses_ports_and_paths(play: PlaybookRunner, playbooks: StackPlaybooks) -> None:
    port = playbooks.port()
    smoke = [
        {"service": "a", "port": port},
        {"service": "a", "port": port, "path": "/v2/", "content": "{}"},
        {"service": "b", "url": f"http://{{address}}:{port}/v2/"},
        {"service": "b", "port": 1, "timeout": 1},
        {"service": "stopped", "port": 1},
    ]
    running = {"state": "running", "ip_addresses": ["127.0.0.1"]}
    found = {
        "services": {"a": ["p-a-1"], "b": ["p-b-1"], "stopped": ["p-stopped-1"]},
        "containers": [
            {"name": "p-a-1", **running},
            {"name": "p-b-1", **running},
            {"name": "p-stopped-1", "state": "stopped", "ip_addresses": []},
        ],
    }
    run = play(
        {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "smoke_test"}},
        way=None,
        extra_vars={"container_stack_smoke_tests": smoke, "__container_stack_tested": found},
    )
    assert [(one.status, one["url"]) for one in run.task(f"{ROLE} : Test by HTTP").items] == [
        ("ok", f"http://127.0.0.1:{port}/v2/")
    ] * 2
    tested = run.task(f"{ROLE} : Test by a connection")
    assert [one.status for one in tested.items] == ["ok", "failed"]
    assert tested.items[1].msg == "p-b-1 does not accept connections at 127.0.0.1:1 within 1 s."


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        ({"container_stack_sclae": {"web": 1}}, "has no variable container_stack_sclae. Correct"),
        ({"container_stack_state": "gone"}, "container_stack_state"),
        ({"container_stack_services": ["wbe"]}, "Did you mean web?"),
        ({"container_stack_canary": ["wbe"]}, "container_stack_canary names wbe, and the services that the task runs"),
        ({"container_stack_canary": ["web"], "container_stack_state": "absent"}, "It is for present."),
        ({"container_stack_smoke_tests": [{"service": "wbe", "port": 80}]}, "(wbe) names a service"),
        ({"container_stack_smoke_tests": [{"service": "web"}]}, "requires exactly one of url, port and argv"),
        ({"container_stack_smoke_tests": [{"service": "web", "url": "u", "path": "/"}]}, "path, which requires port"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_message_before_anything_changes(
    playbooks: StackPlaybooks, variables: dict[str, Any], part: str
) -> None:
    run = playbooks.run(**variables)
    assert run.code != 0, run.output
    assert part in run.output
    assert playbooks.calls.mutating() == []

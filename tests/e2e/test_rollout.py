# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a rollout of containers that boot: apart by a rule, and a replacement that stops at the first unhealthy one.

The containers find each other by name, also after one of them was replaced and has another address.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from lab.connection import connection_environment
from tests.support.guests.containers import MEMORY, PATIENCE, Containers
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner, Run

NAMES = [f"roll-{number}" for number in (1, 2, 3)]
# So long the unhealthy container is waited for.
UNHEALTHY_SECONDS = 90
KEY = "key-of-a-rollout"
# A running container looks for another table every 2 s.
FOLLOWS_SECONDS = 60


@dataclass(frozen=True)
class Rollout:
    """The playbook rollout for a project of three replicas."""

    containers: Containers
    playbooks: PlaybookRunner

    def play(self, image: str, healthcheck: str, wait_timeout: int, **variables: Any) -> Run:
        replicas = {
            "name": "roll",
            "replicas": len(NAMES),
            "image": self.containers.image(image),
            "memory": MEMORY,
            "healthcheck": {"test": healthcheck, "interval": "1s", "retries": 1},
            "networks": [{"name": "VM Network", "aliases": ["roll"]}],
            "guest_operations": True,
            "wait_timeout": wait_timeout,
        }
        project = {
            "containers_project": "roll",
            "containers_list": [replicas],
            "containers_rules": [{"name": "apart", "type": "separate", "containers": ["roll"]}],
            "containers_cluster": self.containers.lab["cluster"],
            "containers_datastore": self.containers.lab["datastore"],
            "containers_guest_key": KEY,
        }
        playbook = ROOT / "playbooks" / "rollout.yml"
        return self.playbooks(playbook, way=None, extra_vars={**project, **variables}, timeout=8 * PATIENCE)

    def look(self) -> dict[str, dict[str, Any]]:
        selector = {"labels": {"gantry.vsphere.project": "roll"}}
        found = self.containers.direct({"gantry.vsphere.container_vm_info": selector}).ok().last["containers"]
        return {container["name"]: container for container in found}

    def ask(self, container: str, name: str) -> list[str]:
        """Return the addresses that a program in a container gets for a name."""
        argv = ["sh", "-c", f"busybox nslookup -type=a {name} | sed -n 's/^Address: //p'"]
        given = {"name": container, "guest_key": KEY, "argv": argv, "request_timeout": PATIENCE}
        answer = drive("container_vm_exec", {**self.containers.lab["vcenter"], **given})
        assert not answer.get("failed"), answer
        return sorted(answer["stdout_lines"])

    def await_address(self, container: str, name: str, address: str) -> None:
        """Wait until a running container has read its new table."""
        deadline = time.monotonic() + FOLLOWS_SECONDS
        while (found := self.ask(container, name)) != [address]:
            assert time.monotonic() < deadline, (found, address)
            time.sleep(1)


@pytest.fixture
def rollout(containers: Containers, tmp_path: Path) -> Iterator[Rollout]:
    one = Rollout(containers, PlaybookRunner(tmp_path, connection_environment(containers.lab)))
    yield one
    one.play("tiny", "true", PATIENCE, containers_state="absent").ok()


def test_a_replacement_stops_at_the_first_unhealthy_container(rollout: Rollout) -> None:
    rollout.play("tiny", "true", 4 * PATIENCE).ok()
    before = rollout.look()
    assert sorted(before) == NAMES
    assert {container["health"] for container in before.values()} == {"healthy"}
    assert len({container["host"] for container in before.values()}) == len(NAMES)
    former = before[NAMES[0]]["ip_addresses"][0]
    rollout.await_address(NAMES[1], NAMES[0], former)
    assert rollout.ask(NAMES[1], "roll") == sorted(one["ip_addresses"][0] for one in before.values())

    failed = rollout.play("nginx", "false", UNHEALTHY_SECONDS)
    assert failed.code != 0
    assert {one["name"]: one["status"] for one in failed.last["subjects"]} == {
        NAMES[0]: "failed",
        NAMES[1]: "not_started",
        NAMES[2]: "not_started",
    }
    after = rollout.look()
    assert after[NAMES[0]]["image"] == rollout.containers.image("nginx")
    assert {after[name]["started_at"] for name in NAMES[1:]} == {before[name]["started_at"] for name in NAMES[1:]}
    assert {after[name]["health"] for name in NAMES[1:]} == {"healthy"}
    # The replacement has another address, at which a container finds it that was not restarted.
    address = after[NAMES[0]]["ip_addresses"][0]
    assert address != former
    rollout.await_address(NAMES[1], NAMES[0], address)

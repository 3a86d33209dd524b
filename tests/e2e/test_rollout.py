# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a rollout of containers that boot: apart by a rule, and a replacement that stops at the first unhealthy one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.guests.containers import MEMORY, PATIENCE, Containers
from tests.support.lab.playbook import Run

NAMES = [f"roll-{number}" for number in (1, 2, 3)]
# So long the unhealthy container is waited for.
UNHEALTHY_SECONDS = 90


@dataclass(frozen=True)
class Rollout:
    """The playbook rollout for a project of three replicas."""

    containers: Containers

    def play(self, image: str, healthcheck: str, wait_timeout: int, **variables: Any) -> Run:
        replicas = {
            "name": "roll",
            "replicas": len(NAMES),
            "image": self.containers.image(image),
            "memory": MEMORY,
            "healthcheck": {"test": healthcheck, "interval": "1s", "retries": 1},
            "networks": [{"name": "VM Network"}],
            "wait_timeout": wait_timeout,
        }
        project = {
            "containers_project": "roll",
            "containers_list": [replicas],
            "containers_rules": [{"name": "apart", "type": "separate", "containers": ["roll"]}],
            "containers_cluster": self.containers.lab["cluster"],
            "containers_datastore": self.containers.lab["datastore"],
        }
        playbook = ROOT / "playbooks" / "rollout.yml"
        return self.containers.play(playbook, way=None, extra_vars={**project, **variables}, timeout=8 * PATIENCE)

    def look(self) -> dict[str, dict[str, Any]]:
        selector = {"labels": {"gantry.vsphere.project": "roll"}}
        found = self.containers.play({"gantry.vsphere.container_vm_info": selector}).ok().last["containers"]
        return {container["name"]: container for container in found}


@pytest.fixture
def rollout(containers: Containers) -> Iterator[Rollout]:
    one = Rollout(containers)
    yield one
    one.play("tiny", "true", PATIENCE, containers_state="absent").ok()


def test_a_replacement_stops_at_the_first_unhealthy_container(rollout: Rollout) -> None:
    rollout.play("tiny", "true", 4 * PATIENCE).ok()
    before = rollout.look()
    assert sorted(before) == NAMES
    assert {container["health"] for container in before.values()} == {"healthy"}
    assert len({container["host"] for container in before.values()}) == len(NAMES)

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

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the role containers by its playbooks: bad input as a newcomer gives it, scaling, the report, and requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner, Run

ROLE = "gantry.vsphere.containers"
WEB, CACHE = f"{PREFIX}web", f"{PREFIX}cache"
# A whole rollout of fifty containers with nothing to do, all tasks together.
BUDGET = 20


@dataclass(frozen=True)
class Playbooks:
    """The playbooks of the role, for the project "shop"."""

    play: PlaybookRunner
    calls: Control
    lab: Mapping[str, Any]

    def run(self, playbook: str = "rollout", *, check: bool = False, **variables: Any) -> Run:
        common = {"containers_project": "shop", "containers_cluster": self.lab["cluster"]}
        self.calls.reset()
        return self.play(
            ROOT / "playbooks" / f"{playbook}.yml", way=None, check=check, extra_vars={**common, **variables}
        )

    def refused(self, **variables: Any) -> str:
        """Return the message of a rollout that must fail before it changes anything."""
        run = self.run(**variables)
        assert run.code != 0, run.output
        assert self.calls.mutating() == []
        return run.last.msg


@pytest.fixture
def playbooks(builder: VmBuilder, play: PlaybookRunner, calls: Control, lab: dict[str, Any]) -> Iterator[Playbooks]:
    yield Playbooks(play, calls, lab)
    calls.reset()
    drive("container_set", {**lab["vcenter"], "project": "shop", "state": "absent"})
    builder.clear()


def web(**options: Any) -> dict[str, Any]:
    return {"name": WEB, "image": IMAGE, "replicas": 2, **options}


@pytest.mark.parametrize(
    ("variables", "parts"),
    [
        ({"containers_lists": [web()]}, ["has no variable containers_lists. Correct", "containers_list"]),
        ({"containers_list": {WEB: web()}}, ["containers_list", "list"]),
        ({"containers_list": [web(replica=3)]}, ["unknown option 'replica'. Did you mean replicas?"]),
        ({"containers_list": [web()], "containers_cluster": "C9"}, ["no cluster 'C9'"]),
        ({"containers_list": [web(), web(image=IMAGE)]}, [f"{WEB} is listed more than once"]),
        ({"containers_list": [web(memory="lots")]}, [f"containers[0] ({WEB})", "'lots'"]),
        ({"containers_list": [web(resource_pool="nowhere")]}, ["'nowhere'"]),
        (
            {
                "containers_list": [web()],
                "containers_rules": [{"name": "r", "type": "separate", "containers": ["wbe"]}],
            },
            ["containers_rules[0] (r) names wbe", WEB],
        ),
        (
            {
                "containers_list": [web()],
                "containers_rules": [{"name": "r", "type": "hosts", "containers": [WEB], "hosts": ["esx9"]}],
            },
            ["esx9"],
        ),
        ({"containers_list": [web(smoke_test={"prot": 80})]}, ["smoke_test with the unknown option prot"]),
        ({"containers_project": ""}, ["project is ''"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_input_is_one_message_before_anything_changes(
    playbooks: Playbooks, variables: dict[str, Any], parts: list[str]
) -> None:
    message = playbooks.refused(**variables)
    for part in parts:
        assert part in message


def test_images_that_do_not_exist_are_reported_together(playbooks: Playbooks) -> None:
    registry = playbooks.lab["registry"]
    message = playbooks.refused(
        containers_registry_tls_verify=False,
        containers_list=[web(), web(name=CACHE, image=f"{registry}/gantry/none:1"), {"name": "x", "image": "A:b:c"}],
    )
    assert f"{registry}/gantry/none:1" in message
    assert "A:b:c" in message


def test_scaling_adds_and_removes_replicas_and_leaves_the_rest(playbooks: Playbooks, builder: VmBuilder) -> None:
    listed = {"containers_list": [web(), {"name": CACHE, "image": IMAGE}]}
    playbooks.run(**listed).ok()
    grown = playbooks.run("scale", **listed, containers_replicas={WEB: 3}).ok()
    assert grown.last["msg"] == [f"create {WEB}-3 from {IMAGE}", f"start {WEB}-3"]
    shrunk = playbooks.run("scale", **listed, containers_replicas={WEB: 1}).ok()
    assert {action.split()[0] for action in shrunk.last["msg"]} == {"stop", "remove"}
    assert [bool(builder.vms(name)) for name in (f"{WEB}-1", f"{WEB}-2", f"{WEB}-3", CACHE)] == [
        True,
        False,
        False,
        True,
    ]
    assert "containers_replicas is not given" in playbooks.run("scale", **listed).last.msg


def test_unlisted_containers_are_reported_by_rollout_and_report(playbooks: Playbooks, tmp_path: Path) -> None:
    playbooks.run(containers_list=[web(), {"name": CACHE, "image": IMAGE}]).ok()
    left = playbooks.run(containers_list=[web()]).ok()
    assert CACHE in left.task("gantry.vsphere.containers : Report containers that are no longer listed").msg
    report = tmp_path / "report.json"
    told = playbooks.run("report", containers_list=[web()], report_file=str(report)).ok()
    assert playbooks.calls.mutating() == []
    written = json.loads(report.read_text())
    assert written["unlisted"] == [CACHE]
    assert written["images"] == {IMAGE: [CACHE, f"{WEB}-1", f"{WEB}-2"]}
    assert written["states"] == {"running": [CACHE, f"{WEB}-1", f"{WEB}-2"]}
    assert written["compliant"] is True
    shown = told.task("Show the report").result["msg"]
    assert shown[0] == "Project shop has 3 containers."
    assert f"not listed: {CACHE}" in shown
    removed = playbooks.run(containers_list=[web()], containers_remove_unlisted=True).ok()
    assert any(CACHE in action for action in removed.last["msg"])


def test_a_second_project_in_the_same_play_reports_only_its_own_actions(playbooks: Playbooks) -> None:
    project = {
        "containers_project": "shop",
        "containers_cluster": playbooks.lab["cluster"],
        "containers_list": [web(replicas=1)],
    }
    tasks = [
        {"ansible.builtin.include_role": {"name": "gantry.vsphere.containers"}, "vars": project},
        {"ansible.builtin.include_role": {"name": "gantry.vsphere.containers"}, "vars": project},
        {"name": "result", "ansible.builtin.debug": {"var": "containers_result.actions"}},
    ]
    run = playbooks.play(tasks, way=None).ok()
    assert run.task("result").result["containers_result.actions"] == []


def test_fifty_containers_with_nothing_to_do_stay_below_the_budget(playbooks: Playbooks) -> None:
    fleet = {
        "containers_list": [web(replicas=50)],
        "containers_rules": [{"name": "one host", "type": "together", "containers": [WEB]}],
    }
    playbooks.run(**fleet).ok()
    again = playbooks.run(**fleet).ok()
    assert not any(outcome.changed for outcome in again.outcomes)
    assert playbooks.calls.mutating() == []
    assert len(playbooks.calls.methods()) <= BUDGET, playbooks.calls.methods()


def test_a_container_is_tested_by_a_port_or_a_path(play: PlaybookRunner, lab: dict[str, Any]) -> None:
    """Nothing boots in this lab: its registry answers for the container, and nothing answers at port 1."""
    port = int(lab["registry"].rpartition(":")[2])
    smoke_tests = [{"port": port}, {"port": port, "path": "/v2/", "content": "{}"}, {"port": 1, "timeout": 1}]
    listed = [{"name": f"web{number}", "smoke_test": test} for number, test in enumerate(smoke_tests)]
    found = [
        {"entry": one["name"], "name": one["name"], "state": "running", "ip_addresses": ["127.0.0.1"]} for one in listed
    ]
    run = play(
        {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "smoke_test"}},
        way=None,
        extra_vars={"containers_list": listed, "__containers_prediction": {"containers": found}},
    )
    assert [(one.status, one["url"]) for one in run.task(f"{ROLE} : Test by HTTP").items] == [
        ("ok", f"http://127.0.0.1:{port}/v2/")
    ]
    tested = run.task(f"{ROLE} : Test by a connection")
    assert [one.status for one in tested.items] == ["ok", "failed"]
    assert tested.items[1].msg == "web2 does not accept connections at 127.0.0.1:1 within 1 s."

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern's setup.yml, run with awx.awx against a fake controller.

A run takes 20 seconds of a quiet machine, so the tests share a controller that has been configured once; the last test
changes it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.awx.controller import TOKEN, FakeController
from tests.support.lab.playbook import ansible_environment
from tools.awx.description import PATTERN, read_description, read_surveys

# Each test has at most one run, of many short processes.
pytestmark = pytest.mark.timeout(900)
REQUIRED = {
    "setup_project_url": "https://git.example.com/private-cloud.git",
    "setup_execution_environment_image": "registry.example.com/gantry/vsphere_ee:0.1.0",
}
VARIABLES = {
    **REQUIRED,
    "setup_credentials": ["vcenter"],
    "setup_inventory_credential": "vcenter",
    "setup_ca_path": "/runner/project/vcenter-ca.pem",
}
Setup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def setup(awx_programs: Path, controller: FakeController, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Return a function that runs setup.yml with these extra variables."""
    home = tmp_path_factory.mktemp("home")

    def run(**variables: Any) -> subprocess.CompletedProcess[str]:
        connection = {"CONTROLLER_HOST": f"http://127.0.0.1:{controller.port}", "CONTROLLER_OAUTH_TOKEN": TOKEN}
        ansible = {"ANSIBLE_COLLECTIONS_PATH": None, "ANSIBLE_PIPELINING": "1"}
        command = [awx_programs / "ansible-playbook", PATTERN / "setup.yml", "-e", json.dumps(variables)]
        return subprocess.run(
            command,
            env=ansible_environment(home, connection, ansible),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=800,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def configured(controller: FakeController, setup: Setup) -> FakeController:
    """Return the controller after the first run, with a credential that a user has created in it."""
    vcenter = controller.named("credential_types")["VMware vCenter"]["id"]
    controller.add("credentials", name="vcenter", credential_type=vcenter, organization=1)
    assert _changed(setup(**VARIABLES)) > 0
    return controller


def _changed(run: subprocess.CompletedProcess[str]) -> int:
    assert run.returncode == 0, run.stdout + run.stderr
    match = re.search(r"changed=(\d+)", run.stdout)
    assert match is not None, run.stdout
    return int(match[1])


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_variable_is_named_before_any_request(controller: FakeController, setup: Setup, missing: str) -> None:
    requests = len(controller.requests)
    run = setup(**{name: value for name, value in REQUIRED.items() if name != missing})
    assert run.returncode != 0
    assert missing in run.stdout
    assert len(controller.requests) == requests


def test_all_that_is_described_is_created(configured: FakeController) -> None:
    description = read_description()
    for kind in ("job_templates", "schedules"):
        assert set(configured.named(kind)) == {one["name"] for one in description[kind]}
    assert {one["name"] for one in description["credential_types"]} < set(configured.named("credential_types"))
    for kind, one in (("projects", "project"), ("inventories", "inventory"), ("workflow_job_templates", "workflow")):
        assert set(configured.named(kind)) == {description[one]["name"]}
    (source,) = configured.named("inventory_sources").values()
    assert source["source_path"] == "extensions/patterns/private_cloud/inventory/containers.container_vms.yml"
    assert json.loads(source["source_vars"]) == {"VMWARE_CA_PATH": "/runner/project/vcenter-ca.pem"}


def test_given_credentials_are_attached_and_enable_the_schedules(configured: FakeController) -> None:
    (credential,) = configured.objects["credentials"]
    for one in configured.named("job_templates").values():
        assert configured.associated("job_templates", one["id"], "credentials") == [credential]
        assert one["ask_credential_on_launch"] is False
    wanted = {one["name"]: one["enabled"] for one in read_description()["schedules"]}
    assert {name: one["enabled"] for name, one in configured.named("schedules").items()} == wanted
    # Without an enabled schedule the comparison would not show that a credential enables them.
    assert True in wanted.values()


def test_templates_have_their_surveys(configured: FakeController) -> None:
    surveys = read_surveys()
    for one in read_description()["job_templates"]:
        template = configured.named("job_templates")[one["name"]]
        assert template["survey_enabled"] is (one["playbook"] in surveys)
        assert configured.surveys.get(("job_templates", template["id"])) == surveys.get(one["playbook"])


def test_the_injectors_reach_the_controller_as_templates(configured: FakeController) -> None:
    types = configured.named("credential_types")
    injectors = types["gantry.vsphere CA certificate"]["injectors"]
    assert injectors["file"] == {"template": "{{ ca_certificate }}"}
    assert injectors["env"] == {"VMWARE_CA_PATH": "{{ tower.filename }}"}
    registry = types["gantry.vsphere registry"]
    assert registry["injectors"]["extra_vars"]["containers_registry_password"] == "{{ password }}"
    assert [one["id"] for one in registry["inputs"]["fields"] if one.get("secret")] == ["password"]


def test_the_workflow_has_the_described_nodes_and_links(configured: FakeController) -> None:
    nodes = configured.named("workflow_job_template_nodes")
    names = {node["id"]: name for name, node in nodes.items()}
    for one in read_description()["workflow"]["nodes"]:
        node = nodes[one["identifier"]]
        for outcome in ("success", "failure", "always"):
            linked = configured.associated("workflow_job_template_nodes", node["id"], f"{outcome}_nodes")
            assert sorted(names[number] for number in linked) == sorted(one.get(outcome, [])), one
        assert node["job_type"] == one.get("job_type")
    assert nodes["approve"]["unified_job_template"] in configured.objects["workflow_approval_templates"]


def test_a_second_run_writes_nothing(configured: FakeController, setup: Setup) -> None:
    written = len(configured.writes)
    assert _changed(setup(**VARIABLES)) == 0
    assert configured.writes[written:] == []


def test_without_credentials_they_are_asked_for_and_what_was_changed_is_put_right(
    configured: FakeController, setup: Setup
) -> None:
    template = configured.named("job_templates")["gantry.vsphere rollout"]
    playbook, template["playbook"] = template["playbook"], "other.yml"
    assert _changed(setup(**REQUIRED)) > 0
    assert template["playbook"] == playbook
    assert all(one["ask_credential_on_launch"] for one in configured.named("job_templates").values())
    assert not any(one["enabled"] for one in configured.named("schedules").values())

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the pattern's templates, run with ansible-runner as AWX runs them, in the order of a new private cloud.

Nothing boots. What the playbooks do is tested with the roles; here it is what only a controller does.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.awx.runner import Controller, Job
from tests.support.builders.web_server import make_certificate
from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.iso import make_iso
from tests.support.lab.least import OPERATOR_USER
from tests.support.lab.playbook import ansible_environment
from tests.support.lab.privileges import PASSWORD
from tools.awx.description import PATTERN, read_description, read_surveys
from tools.runtime_package import stage_compose

# Each job starts many processes.
pytestmark = pytest.mark.timeout(900)
REGISTRY_PASSWORD = "password-of-the-registry"
PROJECT = "awx"
# What has connection variables of its own: four roles and a playbook.
CONNECTED = ("private_cloud", "containers", "container_stack", "evacuate", "rebalance")
STACK = "name: awx-stack\nservices: {{web: {{image: '{tiny}', environment: {{TAG: '$TAG'}}}}}}\n"
SURVEYS = read_surveys()
Launch = Callable[..., Job]


@pytest.fixture(scope="module")
def variables(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the private cloud's group_vars/all.yml in Git."""
    iso = make_iso(tmp_path_factory.mktemp("iso"), "9.9.7")
    return {
        # The credentials of the built-in type have no port.
        **{f"{role}_port": lab["vcenter"]["port"] for role in CONNECTED},
        "private_cloud_folders": [{"path": PROJECT}],
        "private_cloud_resource_pools": [{"path": PROJECT, "cluster": lab["cluster"]}],
        "private_cloud_bootstrap": {"src": str(iso), "datastores": [lab["datastore"]]},
        "private_cloud_registry_tls_verify": False,
        "rebalance_clusters": [lab["cluster"]],
        "containers_project": PROJECT,
        "containers_cluster": lab["cluster"],
        "containers_datastore": lab["datastore"],
        "containers_folder": PROJECT,
        "containers_resource_pool": PROJECT,
        "containers_registry_tls_verify": False,
        "containers_list": [{"name": "awx-web", "image": lab["images"]["tiny"], "replicas": 2, "memory": "128M"}],
        "container_stack_definition": STACK.format(**lab["images"]),
        "container_stack_cluster": lab["cluster"],
        "container_stack_datastore": lab["datastore"],
        "container_stack_folder": PROJECT,
        "container_stack_networks": {"*": "VM Network"},
        "container_stack_registry_tls_verify": False,
    }


@pytest.fixture(scope="module")
def controller(
    lab: dict[str, Any], awx_programs: Path, variables: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """Yield a controller with the pattern as its project and the credentials of the lab."""
    folder = tmp_path_factory.mktemp("private_data")
    vcenter = lab["vcenter"]
    ca = folder / "env" / "tmp_ca"
    ca.parent.mkdir()
    shutil.copy(vcenter["ca_path"], ca)
    environment = {
        "VMWARE_HOST": vcenter["hostname"],
        "VMWARE_USER": OPERATOR_USER,
        "VMWARE_PASSWORD": PASSWORD,
        # Credentials of the built-in type say so by default.
        "VMWARE_VALIDATE_CERTS": "False",
        "VMWARE_CA_PATH": str(ca),
        # The execution environment has the program that reads Compose files.
        "PYTHONPATH": str(stage_compose(tmp_path_factory.mktemp("runtime"))),
    }
    injected = {
        f"{role}_registry_{name}": value
        for role in ("private_cloud", "containers", "container_stack")
        for name, value in (("username", "robot"), ("password", REGISTRY_PASSWORD))
    }
    verified = {f"{role}_validate_certs": "true" for role in CONNECTED}
    controller = Controller(folder, awx_programs, environment, {**injected, **verified})
    controller.install_project(PATTERN, variables)
    yield controller
    builder = VmBuilder(lab)
    builder.clear(images=True)
    builder.session.close()


@pytest.fixture
def launch(lab: dict[str, Any], controller: Controller, request: pytest.FixtureRequest) -> Launch:
    """Return a function that runs a job and asserts that none of its artifacts has a password."""
    names = iter(range(1, 100))

    def run(playbook: str, survey: Mapping[str, Any] | None = None, *, check: bool = False) -> Job:
        job = controller.launch(playbook, survey, name=f"{request.node.name}-{next(names)}", check=check)
        for secret in (PASSWORD, REGISTRY_PASSWORD):
            assert job.holding(secret) == []
        return job

    return run


def _defaults(playbook: str) -> dict[str, Any]:
    """Return the answers of a user who changes nothing that a survey suggests."""
    return {one["variable"]: one["default"] for one in SURVEYS[playbook]["spec"] if "default" in one}


def test_site_is_planned_and_applied_and_then_complete(launch: Launch, calls: Control) -> None:
    planned = launch("site", check=True).ok()
    assert calls.mutating() == []
    assert planned.changed > 0
    assert launch("site").ok().changed > 0
    calls.forget()
    assert launch("site").ok().changed == 0
    assert calls.mutating() == []


def test_a_rollout_is_planned_applied_verified_and_reported(
    lab: dict[str, Any], launch: Launch, calls: Control
) -> None:
    answers = _defaults("rollout")
    assert launch("rollout", answers, check=True).ok().changed > 0
    assert calls.mutating() == []
    assert launch("rollout", answers).ok().changed > 0
    calls.forget()
    assert launch("verify", check=True).ok().changed == 0
    report = launch("report").ok().stats["artifact_data"]["containers_report"]["localhost"]
    assert sorted(one["name"] for one in report["containers"]) == ["awx-web-1", "awx-web-2"]
    assert calls.mutating() == []


def test_the_inventory_source_makes_the_containers_hosts(
    lab: dict[str, Any], controller: Controller, awx_programs: Path, home: Path
) -> None:
    # The port, which the credential lacks, is a variable of the source.
    connection = {**controller.environment, "VMWARE_PORT": str(lab["vcenter"]["port"])}
    source = controller.folder / "project" / read_description()["inventory_source"]["file"]
    run = subprocess.run(
        [awx_programs / "ansible-inventory", "-i", source, "--list"],
        env=ansible_environment(home, connection, {"ANSIBLE_COLLECTIONS_PATH": None}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert {"awx-web-1", "awx-web-2"} <= set(json.loads(run.stdout)["_meta"]["hostvars"])
    assert PASSWORD not in run.stdout


def test_verify_refuses_to_run_out_of_check_mode(launch: Launch, calls: Control) -> None:
    job = launch("verify")
    assert job.status == "failed"
    assert "must run in check mode" in job.output
    assert calls.all() == []


def test_the_answers_of_scale_are_a_number_of_replicas(launch: Launch, calls: Control) -> None:
    job = launch("scale", {"scale_container": "awx-web", "scale_replicas": 1}).ok()
    assert job.changed > 0
    assert calls.mutating().count("Destroy_Task") == 1
    calls.forget()
    # The number in Git is another one.
    verified = launch("verify", check=True)
    assert verified.status == "failed"
    assert f"would change the project {PROJECT}" in verified.output
    assert calls.mutating() == []


def test_unlisted_containers_are_removed_if_the_answer_is_true(launch: Launch, calls: Control) -> None:
    launch("scale", {"scale_container": "awx-web", "scale_replicas": 3}).ok()
    for answer, removed in (("false", 0), ("true", 1)):
        calls.forget()
        launch("rollout", {**_defaults("rollout"), "containers_remove_unlisted": answer}).ok()
        assert calls.mutating().count("Destroy_Task") == removed


def test_the_answers_of_update_and_rollback_are_versions_of_a_compose_project(
    lab: dict[str, Any], launch: Launch, calls: Control
) -> None:
    builder = VmBuilder(lab)

    def version() -> list[str]:
        return [one for one in builder.vm("awx-stack-web-1").spec["process"]["env"] if one.startswith("TAG=")]

    update = {"update_variable": "TAG", "update_value": "2"}
    assert launch("update", update, check=True).ok().changed > 0
    assert calls.mutating() == []
    launch("update", update).ok()
    assert version() == ["TAG=2"]
    assert launch("update", update).ok().changed == 0
    launch("rollback", {"rollback_variable": "TAG", "rollback_value": "1"}).ok()
    assert version() == ["TAG=1"]
    drive("container_set", {**lab["vcenter"], "project": "awx-stack", "state": "absent"})
    builder.session.close()


def test_evacuate_is_planned_and_done_by_the_answers_of_its_survey(
    lab: dict[str, Any], launch: Launch, calls: Control
) -> None:
    survey = {**_defaults("evacuate"), "evacuate_cluster": lab["cluster"]}
    planned = launch("evacuate", survey).ok()
    assert calls.mutating() == []
    assert planned.changed == 0
    rolling = {**survey, "evacuate_action": "rolling", "evacuate_powered_off": "true"}
    assert launch("evacuate", rolling, check=True).ok().changed > 0
    assert calls.mutating() == []
    done = launch("evacuate", rolling).ok()
    entered = [method for method in calls.mutating() if method == "EnterMaintenanceMode_Task"]
    assert len(entered) == len(lab["clusters"][lab["cluster"]])
    # The next node of a workflow leaves out what is done.
    assert sorted(done.stats["artifact_data"]["evacuate_skip"]) == sorted(lab["clusters"][lab["cluster"]])


def test_rebalance_is_planned_and_hands_its_result_on(lab: dict[str, Any], launch: Launch, calls: Control) -> None:
    launch("rebalance", check=True).ok()
    assert calls.mutating() == []
    (result,) = launch("rebalance").ok().stats["artifact_data"]["rebalance_result"]
    assert result["cluster"].endswith(lab["cluster"])
    assert result["violations"] == []


def test_teardown_is_planned_and_applied_and_then_complete(launch: Launch, calls: Control) -> None:
    assert launch("teardown", check=True).ok().changed > 0
    assert calls.mutating() == []
    assert launch("teardown").ok().changed > 0
    assert launch("teardown").ok().changed == 0


def test_the_certificate_of_vcenter_is_verified(
    controller: Controller, launch: Launch, calls: Control, tmp_path: Path
) -> None:
    ca = Path(controller.environment["VMWARE_CA_PATH"])
    trusted = ca.read_text()
    ca.write_bytes(make_certificate(tmp_path).ca.read_bytes())
    try:
        job = launch("site", check=True)
    finally:
        ca.write_text(trusted)
    assert (job.code, job.status) == (2, "failed")
    assert "is not trusted" in job.output
    assert calls.all() == []

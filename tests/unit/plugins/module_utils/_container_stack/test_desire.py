# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what a task with a Compose project asks for: the tests of the reference loader, and what the task adds."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack
from compose.build import SOURCE

Desire = Callable[..., DesiredStack]

LOADER = "github.com/compose-spec/compose-go/v2"
_TEXT = re.compile(r"`([^`]*)`")
# The loader refuses these outside of its own tests.
_JOBS = re.compile(r"(?m)^jobs:.*\n(?:[ #].*\n|\n)*")
_SERVICES = re.compile(r"(?m)^services:")
# The messages with which a project is refused. An image and the memory of a VM are needed in any case.
_REFUSALS = {
    "fail": r"definition:\d+: [\w.-]+ is not supported\. ",
    "warn": r"definition:\d+: services\.\w+: (image is missing|memory is '52M')\. ",
}


def texts() -> list[str]:
    """Return the Compose files in the tests of the reference loader, of which there is one for each attribute."""
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", LOADER]
    found = subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, text=True).stdout.strip()
    sources = sorted((Path(found) / "loader" / "tests").glob("*_test.go"))
    given = [text for source in sources for text in _TEXT.findall(source.read_text()) if _SERVICES.search(text)]
    return [_JOBS.sub("", text) for text in given]


def outcome(stack: Desire, text: str, unsupported: str) -> str:
    """Return what became of a file."""
    try:
        stack(text, unsupported=unsupported)
    except GantryError as error:
        if "cause" in error.details:
            return "unreadable"
        problems = error.details.get("problems", [error.message])
        unnamed = [one for one in problems if not re.match(_REFUSALS[unsupported], one)]
        assert not unnamed, unnamed
        return "refused"
    return "planned"


def test_the_files_of_the_loader_are_planned_or_refused_with_a_reason(stack: Desire) -> None:
    outcomes = [(outcome(stack, text, "fail"), text) for text in texts()]
    # The version of the loader is fixed, so another number is another meaning of a file.
    assert Counter(one for one, _text in outcomes) == {"planned": 75, "refused": 99, "unreadable": 22}
    without = Counter(outcome(stack, text, "warn") for one, text in outcomes if one == "refused")
    assert without == {"planned": 85, "refused": 14}


TWO = """
services:
  web: {image: web, depends_on: [db], deploy: {replicas: 2}}
  db: {image: db, pull_policy: always, container_name: database, volumes: ["data:/data"], x-gantry: {datastore: fast}}
  job: {image: web, scale: 0}
volumes: {data: {labels: {a: b}}}
"""


def test_a_project_becomes_images_volumes_and_a_set(stack: Desire) -> None:
    desired = stack(TWO, datastore="slow", remove_orphans=True)
    assert [(one.as_written, one.datastore, one.pull) for one in desired.images] == [
        ("db", "fast", "always"),
        ("web", "slow", "missing"),
    ]
    assert desired.volumes is not None
    (volume,) = desired.volumes.volumes
    assert (volume.name, volume.size, volume.datastore, volume.labels) == ("shop_data", 1024, "slow", {"a": "b"})
    assert desired.containers.entries == {
        "database": ("database",),
        "shop-job": (),
        "shop-web": ("shop-web-1", "shop-web-2"),
    }
    assert desired.containers.dependencies == {"shop-web": ("database",)}
    # Surplus replicas are removed in any case, and what belongs to no service only on request.
    assert desired.containers.scaled == {"shop-job", "shop-web"}
    assert desired.containers.remove_unlisted


def test_replicas_that_go_on_running_are_kept_apart_by_default(stack: Desire) -> None:
    job = "{image: i, deploy: {mode: replicated-job, replicas: 2}}"
    text = f"services: {{a: {{image: i}}, b: {job}, c: {{image: i, x-gantry: {{anti_affinity: true}}}}}}"
    for default, expected in ((True, [True, False, True]), (False, [False, False, True])):
        assert [one.anti_affinity for one in stack(text, anti_affinity=default).placements] == expected


def test_scale_is_of_services(stack: Desire) -> None:
    assert len(stack(TWO, scale={"web": 5}).containers.entries["shop-web"]) == 5
    with pytest.raises(GantryError, match="scale names shop-web, and the services of the project are db, job, web"):
        stack(TWO, scale={"shop-web": 5})
    with pytest.raises(GantryError, match=r"scale of web is -1\. Give a whole number"):
        stack(TWO, scale={"web": -1})


def test_a_value_that_no_container_can_have_is_named_by_its_service(stack: Desire) -> None:
    with pytest.raises(GantryError, match=r"^definition:3: services\.web: ulimits gives nofile more than"):
        stack("services:\n  db: {image: db}\n  web: {image: web, ulimits: {nofile: -1}}\n")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"volume_size": "huge"}, "volume_size is 'huge', which is not a size"),
        ({"wait_timeout": 0}, r"wait_timeout is 0\. It must be at least 1 second"),
    ],
)
def test_values_for_all_services_and_volumes_are_checked_once(
    stack: Desire, option: dict[str, Any], message: str
) -> None:
    with pytest.raises(GantryError, match=f"^{message}"):
        stack(TWO, **option)


def test_an_image_is_imported_where_its_first_service_runs(stack: Desire) -> None:
    text = "services: {a: {image: i, x-gantry: {cluster: C2, resource_pool: P}}, b: {image: i}, c: {image: j}}"
    found = [(one.as_written, one.cluster, one.resource_pool) for one in stack(text, cluster="C1").images]
    assert found == [("i", "C2", "P"), ("j", "C1", None)]


def test_networks_of_profiles_that_are_not_enabled_may_have_port_groups(stack: Desire) -> None:
    text = "services: {web: {image: web}, dev: {image: dev, profiles: [dev], networks: [n]}}\nnetworks: {n: {}}\n"
    assert len(stack(text, networks={"n": "N", "default": "D"}).containers.containers) == 1


def test_port_groups_are_of_networks(stack: Desire) -> None:
    with pytest.raises(GantryError, match="networks names front, and the networks of the project are default"):
        stack(TWO, networks={"front": "VM Network", "*": "VM Network"})


def test_secret_variables_are_variables(stack: Desire) -> None:
    text = "services: {web: {image: web, environment: {A: $A, B: $B}}}"
    desired = stack(text, variables={"A": "1"}, secret_variables={"B": "hidden"})
    (web,) = desired.containers.containers
    assert web.config is not None
    assert web.config.values["env"] == {"A": "1", "B": "hidden"}
    with pytest.raises(GantryError, match="variables and secret_variables both have A"):
        stack(text, variables={"A": "1"}, secret_variables={"A": "2"})


def test_absent_needs_only_the_name(stack: Desire) -> None:
    desired = stack("services: {web: {image: web, privileged: true}}", state="absent")
    assert (desired.project, desired.containers.present, desired.images, desired.volumes) == ("shop", False, (), None)


def test_what_is_not_supported_can_be_left_out_with_a_warning(stack: Desire) -> None:
    text = "services: {web: {image: web, privileged: true, tty: true}}"
    with pytest.raises(GantryError) as failed:
        stack(text)
    assert len(failed.value.details["problems"]) == 2
    desired = stack(text, unsupported="warn")
    assert [one.split(" is not supported")[0] for one in desired.warnings] == [
        "definition:1: services.web.privileged",
        "definition:1: services.web.tty",
    ]
    assert list(desired.containers.entries) == ["shop-web"]


def test_without_a_file_the_names_that_were_looked_for_are_listed(stack: Desire) -> None:
    with pytest.raises(GantryError, match=r"There is no Compose file in /.*: none of compose\.yaml, compose\.yml"):
        stack(None)

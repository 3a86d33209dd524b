# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests: the lab without a hypervisor, runs of tasks, and its vCenter's recorded calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.connection import connection_environment
from tests.support.lab.containers import IMAGE, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.images import Store
from tests.support.lab.labs import open_lab
from tests.support.lab.least import OPERATOR_USER, READER_USER
from tests.support.lab.playbook import WAYS, PlaybookRunner, Way, same
from tests.support.lab.privileges import PASSWORD


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the content of the lab's lab.json."""
    with open_lab(tmp_path_factory.mktemp("lab")) as info:
        yield info


@pytest.fixture
def calls(lab: dict[str, Any]) -> Iterator[Control]:
    """Yield the lab's control API with no recorded calls and no faults, and reset it afterwards."""
    control = Control(lab["control"])
    control.reset()
    yield control
    control.reset()


@pytest.fixture(scope="session")
def connection(lab: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables that configure the connection to the lab's vCenter."""
    return connection_environment(lab)


@pytest.fixture
def operator(connection: dict[str, str]) -> dict[str, str]:
    """Return these environment variables for the user who runs playbooks, who is not an administrator."""
    return {**connection, "VMWARE_USER": OPERATOR_USER, "VMWARE_PASSWORD": PASSWORD}


@pytest.fixture
def reader(connection: dict[str, str]) -> dict[str, str]:
    """Return these environment variables for the user of the inventory plugin, who has the role Read-only."""
    return {**connection, "VMWARE_USER": READER_USER, "VMWARE_PASSWORD": PASSWORD}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Create the home directory of the user whose tasks are run."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def play(home: Path, operator: dict[str, str]) -> PlaybookRunner:
    """Run tasks with ansible-playbook: ``play({"gantry.vsphere.container_vm": {...}}, way="module", check=True)``.

    It takes seconds, so it is used for what only Ansible does.
    """
    return PlaybookRunner(home, operator)


@pytest.fixture
def store(lab: dict[str, Any]) -> Iterator[Store]:
    """Remove all images and bootstrap ISOs before the test and after it."""
    one = Store(lab["vcenter"])
    one.clear(lab["datastore"])
    yield one
    one.clear(lab["datastore"])
    one.session.close()


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Yield a builder in a lab with one image; containers and images are removed afterwards."""
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        yield one


@pytest.fixture(scope="module")
def cluster(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    """Yield what looks at the configuration of the first cluster."""
    one = ClusterObserver(lab, lab["cluster"])
    yield one
    one.close()


@pytest.fixture
def cleared(store: Store, play: PlaybookRunner) -> Iterator[None]:
    """Begin and end without the container web, whose playbooks the documentation has, and without images."""
    yield
    play({"gantry.vsphere.container_vm": {"name": "web", "state": "absent"}}).ok()


@pytest.fixture
def direct(home: Path, connection: dict[str, str]) -> DirectRunner:
    """Run tasks in this process, called as ``play`` is, to test what the modules do."""
    return DirectRunner(home, connection)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Run the test once for each way of running a task."""
    return request.param


@pytest.fixture
def both_ways(direct: DirectRunner) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a task with the sessions of both ways, asserts equal results, and returns one.

    It is for tasks that change nothing: in check mode, with nothing to do, or failing.
    """

    def run(task: dict[str, Any], **options: Any) -> dict[str, Any]:
        return same([direct(task, way=way, **options).last for way in WAYS]).result

    return run

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests: the lab without a hypervisor, playing tasks, and what its vCenter was asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.connection import connection_environment
from tests.support.lab.control import Control
from tests.support.lab.playbook import WAYS, PlaybookRunner, Way, run_both_ways

# A lab that is up already may serve, while one works on a test: the path of its lab.json.
RUNNING_LAB = os.environ.get("GANTRY_TEST_LAB")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the content of the lab's lab.json."""
    if RUNNING_LAB:
        yield json.loads(Path(RUNNING_LAB).read_text())
        return
    from lab.controller import Lab

    one = Lab(tmp_path_factory.mktemp("lab"), {"hypervisor": "none", "ports": "free"}, bound=True)
    try:
        yield one.up()
    finally:
        one.down()


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
def play(tmp_path: Path, connection: dict[str, str]) -> PlaybookRunner:
    """Plays tasks: ``play({"gantry.vsphere.container_vm": {...}}, way="module", check=True)``."""
    home = tmp_path / "home"
    home.mkdir()
    return PlaybookRunner(home, connection)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """Run the test once for each way of running a task."""
    return request.param


@pytest.fixture
def both_ways(play: PlaybookRunner) -> Callable[..., dict[str, Any]]:
    """Plays one task both ways and checks that both return the same, which it returns.

    For tasks that leave things as they are: with check mode, or with nothing to do, or failing.
    """

    def run(task: dict[str, Any], **options: Any) -> dict[str, Any]:
        (outcome,) = run_both_ways(play, [task], **options)
        return outcome.result

    return run

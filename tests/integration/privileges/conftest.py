# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of privileges: a lab with images, several clusters and several datastores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.connection import connection_environment
from tests.support.lab.labs import open_lab
from tests.support.lab.placement import OVERRIDES
from tests.support.lab.privilege_cases import Cases
from tests.support.runtime import runtime_package


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the content of the lab's lab.json."""
    overrides = {"inventory": OVERRIDES["inventory"], "images": ["tiny"]}
    with open_lab(tmp_path_factory.mktemp("lab"), overrides, running="GANTRY_TEST_PRIVILEGES_LAB") as info:
        yield info


@pytest.fixture(scope="session")
def connection(lab: dict[str, Any]) -> dict[str, str]:
    # These tests have their own lab: the variables of the other lab's connection would not fit.
    return connection_environment(lab)


@pytest.fixture(scope="session")
def cases(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    one = Cases(lab, tmp_path_factory.mktemp("cases"))
    yield one
    one.close()


@pytest.fixture(scope="module", autouse=True)
def _runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    # Not for the whole session: the tests of other files rely on its absence.
    with runtime_package(tmp_path_factory.mktemp("runtime")):
        yield

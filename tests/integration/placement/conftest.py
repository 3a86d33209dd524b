# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests that move VMs: a lab with several clusters and datastores, and a second vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.connection import connection_environment
from tests.support.lab.containers import VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.placement import Site, open_wide_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the content of the lab's lab.json."""
    with open_wide_lab(tmp_path_factory.mktemp("wide-lab")) as info:
        yield info


@pytest.fixture(scope="session")
def connection(lab: dict[str, Any]) -> dict[str, str]:
    # These tests have their own: the shared builder is for the other lab.
    return connection_environment(lab)


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    one = VmBuilder(lab)
    yield one
    one.session.close()


@pytest.fixture
def second(lab: dict[str, Any]) -> Iterator[Site]:
    """Yield the other vCenter."""
    info = lab["second"]
    one = Site(info, VmBuilder(info), Control(info["control"]))
    yield one
    one.clear()
    one.builder.session.close()

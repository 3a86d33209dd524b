# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the role private_cloud: a lab with two clusters and a second vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lab.connection import connection_environment
from tests.support.lab.cloud import USER
from tests.support.lab.drs import ClusterObserver
from tests.support.lab.iso import make_iso
from tests.support.lab.labs import open_lab

OVERRIDES = {
    "images": ["tiny"],
    "inventory": {"clusters": {"C1": 2}},
    "second": {"enabled": True},
    "users": {USER: {"password": "not-used", "groups": []}},
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield the content of the lab's lab.json: C0 with esx1 to esx3, C1 with esx4 and esx5."""
    with open_lab(tmp_path_factory.mktemp("cloud-lab"), OVERRIDES, running="GANTRY_TEST_CLOUD_LAB") as info:
        yield info


@pytest.fixture(scope="session")
def settings(lab: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of DRS and HA that each cluster of the lab begins with."""
    found = {}
    for name in lab["clusters"]:
        with closing(ClusterObserver(lab, name)) as observer:
            config = observer.cluster.configurationEx
            found[name] = {"drsConfig": config.drsConfig, "dasConfig": config.dasConfig}
    return found


@pytest.fixture(scope="module", autouse=True)
def plain_clusters(lab: dict[str, Any], settings: dict[str, dict[str, Any]]) -> None:
    """Begin with these settings, which stay as they were last when the role removes the rest."""
    for name, values in settings.items():
        with closing(ClusterObserver(lab, name)) as observer:
            observer.write(**values)


@pytest.fixture(scope="session")
def connection(lab: dict[str, Any]) -> dict[str, str]:
    return connection_environment(lab)


@pytest.fixture(scope="session")
def iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bootstrap ISO, from which nothing boots."""
    return make_iso(tmp_path_factory.mktemp("iso"), "9.9.3")

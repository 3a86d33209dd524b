# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the image tests: registries on loopback and a cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from tests.support.builders.registries import LiveRegistry


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRegistry]:
    """Run a registry with plain HTTP and without authentication."""
    with LiveRegistry(tmp_path_factory.mktemp("registry")).running() as running:
        yield running


@pytest.fixture(scope="session")
def secured_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveRegistry]:
    """Run a registry with TLS by an unknown CA, and with a password."""
    with LiveRegistry(tmp_path_factory.mktemp("secured"), secured=True).running() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache") as cache:
        yield cache

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests with AWX's tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.awx.controller import FakeController, serving
from tools.awx import environment


@pytest.fixture(scope="session")
def awx_programs() -> Path:
    """Return the folder with ansible-runner, and with an ansible-playbook that has the collection awx.awx."""
    return environment.make() / "bin"


@pytest.fixture(scope="module")
def controller() -> Iterator[FakeController]:
    """Yield a controller as a new installation has it: one organization, and the built-in credential types."""
    with serving() as controller:
        controller.add("organizations", name="Default")
        controller.add("credential_types", name="VMware vCenter", kind="cloud")
        yield controller

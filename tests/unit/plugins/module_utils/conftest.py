# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of several packages need."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose.build import build


@pytest.fixture(scope="session")
def program() -> Path:
    """Return the path of gantry-compose, which is built if it is not there."""
    return build()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the placement tests."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from tests.support.builders.inventory import same_names_inventory


@pytest.fixture
def inventory() -> Inventory:
    return same_names_inventory()

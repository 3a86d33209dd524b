# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the inventory of 5,000 container VMs asks vCenter.

In a lab of its own: these VMs would be in the way of all other tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.connection import connection_environment
from lab.controller import Lab
from tests.support.lab.ansible_inventory import InventoryRunner
from tests.support.lab.control import Control

CONTAINERS = 5000
OTHERS = 500
BUDGET = 20


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start a lab with thousands of container VMs and some others."""
    shape = {"hypervisor": "none", "ports": "free", "publish": {}, "images": []}
    one = Lab(tmp_path_factory.mktemp("crowded"), shape, bound=True)
    try:
        info = one.up()
        control = Control(info["control"])
        for thousand in range(CONTAINERS // 1000):
            labels = {"gantry.kind": "container", "gantry.labels": '{"tier": "front"}'}
            control.add_vms(1000, f"container-{thousand}-", labels)
        control.add_vms(OTHERS, "other-")
        yield info
    finally:
        one.down()


@pytest.mark.timeout(600)
def test_the_inventory_of_5000_containers_stays_below_its_budget(crowded: dict[str, Any], tmp_path: Path) -> None:
    control = Control(crowded["control"])
    control.reset()
    inventory = InventoryRunner(tmp_path, connection_environment(crowded))
    listing = inventory(group_by=["label"])
    assert len(listing.hosts) == CONTAINERS, listing.messages
    assert len(listing.groups["label_tier_front"]) == CONTAINERS
    assert len(control.methods()) <= BUDGET, control.methods()
    assert control.mutating() == []

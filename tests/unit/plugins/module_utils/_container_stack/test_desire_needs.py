# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what is removed with a project besides its containers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack

Desire = Callable[..., DesiredStack]

SHOP = """
services:
  web: {image: web, build: ., privileged: true}
  api: {image: web, x-gantry: {datastore: fast}}
  db: {image: db, volumes: ["data:/data", "shared:/shared"]}
  tool: {build: .}
volumes: {data: {labels: {a: b}}, spare: {}, shared: {external: true}}
"""
GONE = {"state": "absent", "remove_images": "all", "remove_volumes": True}


def test_images_are_those_of_the_services_and_volumes_those_of_the_project(stack: Desire) -> None:
    desired = stack(SHOP, datastore="slow", **GONE)
    assert desired.removes
    assert [(one.as_written, one.datastore, one.present) for one in desired.images] == [
        ("web", "fast", False),
        ("db", "slow", False),
        ("web", "slow", False),
    ]
    assert desired.volumes is not None
    assert [one.name for one in desired.volumes.volumes] == ["shop_data", "shop_spare"]
    assert (desired.volumes.present, desired.volumes.confirmed) == (False, False)
    confirmed = stack(SHOP, **GONE, confirm_data_loss=True).volumes
    assert confirmed is not None
    assert confirmed.confirmed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"remove_volumes": True}, r"^remove_volumes is given with state: present\. It is for state: absent\."),
        (
            {"state": "stopped", "remove_images": "all", "remove_volumes": True},
            r"^remove_images, remove_volumes is given with state: stopped\.",
        ),
        ({**GONE, "services": ["db"]}, r"^remove_images, remove_volumes is given with services, which leaves"),
    ],
)
def test_what_containers_need_is_not_removed(stack: Desire, options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        stack(SHOP, **options)

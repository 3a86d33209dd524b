# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test container_image_info with the lab's vCenter, with the sessions of a module and of an action plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.images import Store

INFO = "gantry.vsphere.container_image_info"
IMAGE = "gantry.vsphere.container_image"


@pytest.fixture(scope="module")
def store(lab: dict[str, Any]) -> Iterator[Store]:
    one = Store(lab["vcenter"])
    one.clear(lab["datastore"])
    yield one
    one.clear(lab["datastore"])
    one.session.close()


@pytest.fixture
def tiny(
    lab: dict[str, Any], direct: DirectRunner, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Import the tiny image, once for all tests in this file."""
    cache: Path = tmp_path_factory.getbasetemp() / "info-cache"
    options = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(cache)}
    image: dict[str, Any] = direct({IMAGE: options}).ok().last["image"]
    return image


def test_all_images_are_listed_with_their_facts(
    tiny: dict[str, Any], both_ways: Callable[..., dict[str, Any]], calls: Control
) -> None:
    result = both_ways({INFO: {}})
    assert not result["changed"]
    (image,) = result["images"]
    assert {key: image[key] for key in tiny} == tiny
    assert image["in_use_by"] == []
    assert image["capacity_bytes"] > 0
    assert calls.mutating() == []


def test_the_vms_that_use_an_image_are_listed(
    tiny: dict[str, Any], both_ways: Callable[..., dict[str, Any]], store: Store, lab: dict[str, Any]
) -> None:
    (template,) = store.templates()
    clone = store.linked_clone(template, "image-test-user")
    (image,) = both_ways({INFO: {"name": lab["images"]["tiny"]}})["images"]
    assert image["in_use_by"] == [f"/{lab['datacenter']}/vm/image-test-user"]
    store.destroy(clone)
    (image,) = both_ways({INFO: {}})["images"]
    assert image["in_use_by"] == []


def test_an_image_is_found_by_reference_or_digest_and_no_match_is_no_error(
    tiny: dict[str, Any], both_ways: Callable[..., dict[str, Any]], lab: dict[str, Any]
) -> None:
    by_tag = both_ways({INFO: {"name": lab["images"]["tiny"]}})["images"]
    by_digest = both_ways({INFO: {"name": f"example.com/x@{tiny['digest']}"}})["images"]
    assert [image["moid"] for image in by_tag] == [image["moid"] for image in by_digest] == [tiny["moid"]]
    assert both_ways({INFO: {"name": "example.com/unknown:1"}})["images"] == []


def test_wrong_names_are_reported(both_ways: Callable[..., dict[str, Any]]) -> None:
    assert "no datacenter 'DC9'" in both_ways({INFO: {"datacenter": "DC9"}})["msg"]
    assert "is invalid" in both_ways({INFO: {"name": "A:b:c"}})["msg"]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image reaches further datastores by copies inside vCenter, without its registry and without an upload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import background
from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.images import Store, Template
from tests.support.lab.placement import NETWORK, Site

# Nothing answers at that registry.
IMAGE = "registry.invalid/copied:1"
WEB = f"{PREFIX}copied"


@pytest.fixture
def store(lab: dict[str, Any]) -> Iterator[Store]:
    one = Store(lab["vcenter"])
    yield one
    one.clear(lab["datastore"])
    one.session.close()


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control, store: Store) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    builder.clear(images=True)
    builder.make_image(IMAGE, 5, {"Cmd": ["serve"]})
    yield one
    calls.reset()
    one.clear()
    builder.clear(images=True)


@pytest.fixture
def place(tmp_path: Path) -> dict[str, Any]:
    return {"name": IMAGE, "cluster": "C0", "datastore": "shared1", "cache_path": str(tmp_path / "cache")}


def on(store: Store, datastore: str) -> list[Template]:
    """Return the templates on a datastore."""
    return [one for one in store.templates() if any(_store_of(device) == datastore for device in one.devices)]


def _store_of(device: Any) -> str:
    name = str(getattr(device.backing, "fileName", ""))
    return name[1:].partition("]")[0]


def test_an_image_is_copied_to_another_datastore_without_an_upload(
    site: Site, store: Store, place: dict[str, Any]
) -> None:
    (source,) = store.templates()
    predicted = site.run("container_image", check=True, **place)
    assert site.calls.mutating() == []
    made = site.ok("container_image", **place)
    assert "CloneVM_Task" in site.calls.methods()
    assert "ImportVApp" not in site.calls.methods()
    assert predicted["actions"] == made["actions"]
    assert {**predicted["image"], "moid": made["image"]["moid"]} == made["image"]
    assert predicted["diff"] == made["diff"]
    assert (made["image"]["datastore"], made["image"]["references"]) == ("shared1", [IMAGE])
    (copy,) = on(store, "shared1")
    assert (copy.is_template, copy.snapshots) == (True, ("gantry-base",))
    own = {"gantry.image.import", "gantry.image.state"}
    ours = {key: value for key, value in source.config.items() if key.startswith("gantry.") and key not in own}
    assert {key: copy.config[key] for key in ours} == ours
    assert copy.config["gantry.image.state"] == "ready"
    assert [one.moid for one in on(store, "shared0")] == [source.moid]
    assert not site.ok("container_image", **place)["changed"]
    # A container on that datastore is a clone of the copy.
    iso = site.builder.upload_bootstrap()
    container = {"cluster": "C0", "datastore": "shared1", "networks": [{"name": NETWORK}], "bootstrap": iso}
    site.ok("container_vm", name=WEB, image=IMAGE, **container)
    assert site.disks(WEB)[0] == "shared1"
    pruned = site.ok("container_image_prune", dangling=False, folder="gantry-images", datastore="shared0")
    assert (pruned["removed"], pruned["kept"]) == ([], [])
    site.ok("container_vm", name=WEB, state="absent")
    pruned = site.ok("container_image_prune", dangling=False, folder="gantry-images")
    assert [one["name"] for one in pruned["removed"]] == [copy.name]


def test_a_killed_copy_is_cleaned_up_by_the_next_run(
    site: Site, store: Store, place: dict[str, Any], connection: dict[str, str]
) -> None:
    background.kill_in("CreateSnapshot_Task", "container_image", place, connection, site.calls)
    made = site.ok("container_image", **place)
    assert made["actions"][0].startswith("remove interrupted import ")
    (copy,) = on(store, "shared1")
    assert copy.moid == made["image"]["moid"]


def test_a_copy_that_fails_leaves_nothing(site: Site, store: Store, place: dict[str, Any]) -> None:
    for method in ("CloneVM_Task", "CreateSnapshot_Task"):
        site.calls.fault(method, "NoDiskSpace")
        assert site.run("container_image", **place)["fault"]["type"] == "NoDiskSpace"
        assert on(store, "shared1") == []
    site.calls.limit_datastore("shared1", 1000)
    try:
        assert "datastore shared1 has 1 MiB left" in site.refused("container_image", **place)["msg"]
    finally:
        site.calls.limit_datastore("shared1", 32 << 30)
    assert site.ok("container_image", **place)["changed"]

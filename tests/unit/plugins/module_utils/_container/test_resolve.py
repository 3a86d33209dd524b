# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the resolution of names to objects, and the selection among several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container import resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Image, Machine, PlacementOption
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from tests.support.builders.containers import config_of

DATACENTER = Entry("DC0", "/DC0", "Datacenter", "dc1", None, "root", "dc1")
SHARED0 = Entry("shared0", "/DC0/datastore/shared0", "Datastore", "ds0", None, "dsf", "dc1")
SHARED1 = Entry("shared1", "/DC0/datastore/shared1", "Datastore", "ds1", None, "dsf", "dc1")
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64


def node(inventory: Inventory, moid: str) -> Entry:
    found = inventory.entry(moid)
    assert found is not None
    return found


def place(inventory: Inventory, *networks: str, **options: Any) -> Any:
    config = config_of(networks=[{"name": name} for name in networks])
    datacenter = resolve.find_datacenter(inventory, options.get("datacenter")) or inventory.datacenter()
    return resolve.resolve_place(inventory, PlacementOption(**options), config, None, datacenter)


def test_a_name_is_looked_up_in_the_datacenter_only(inventory: Inventory) -> None:
    assert place(inventory, "VM Network", datacenter="DC0").networks[0].moid == "net0"


def test_two_datacenters_and_none_given_is_an_error(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match=r"datacenter is not given and there are 2: /DC0, /DC1"):
        place(inventory, "VM Network")


@pytest.mark.parametrize(
    "options",
    [
        {"datacenter": "DC9"},
        {"cluster": "C00"},
        {"datastore": "share0"},
        {"cluster": "C0", "resource_pool": "producion"},
        {"folder": "app"},
        {"folder": "web"},
    ],
)
def test_a_misspelt_name_is_an_error_that_quotes_it(inventory: Inventory, options: dict[str, str]) -> None:
    with pytest.raises(GantryError, match=f"'{list(options.values())[-1]}'"):
        place(inventory, **{"datacenter": "DC0", **options})


def test_a_misspelt_network_is_an_error(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match=r"'VM Netwrok'.* Did you mean 'VM Network'"):
        place(inventory, "VM Netwrok", datacenter="DC0")


def test_a_pool_needs_the_cluster_where_there_are_several(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match="cluster is not given and there are 2"):
        place(inventory, datacenter="DC0", resource_pool="prod")
    assert place(inventory, datacenter="DC0", cluster="C1", resource_pool="prod").pool.moid == "p-prod1"
    assert place(inventory, datacenter="DC0", cluster="C0", resource_pool="prod/web").pool.moid == "p-web"


def image(**values: Any) -> Image:
    base = Image(
        moid="vm-5",
        name="gantry-image-1",
        digest=DIGEST,
        disk="d1",
        references=("registry.example.com/nginx:latest",),
        config={},
        datastore=SHARED0,
        snapshot="snap-1",
        datacenter=DATACENTER,
    )
    return replace(base, **values)


def test_a_new_container_goes_to_the_only_place_there_is(inventory: Inventory) -> None:
    resolved = place(inventory, datacenter="DC1")
    complete = resolve.complete_place(inventory, resolved, None, image())
    assert (complete.folder.moid, complete.pool.moid, complete.cluster.moid) == ("vm2", "rp2", "c2")
    assert complete.datastore.moid == "ds0"


def test_two_clusters_and_none_given_is_an_error_only_for_a_new_container(inventory: Inventory) -> None:
    resolved = place(inventory, datacenter="DC0")
    with pytest.raises(GantryError, match="cluster is not given and there are 2"):
        resolve.complete_place(inventory, resolved, None, image())
    there = machine(inventory, pool=node(inventory, "p-prod"), cluster=node(inventory, "c0"))
    assert resolve.complete_place(inventory, resolved, there, image()).pool.moid == "p-prod"


def machine(inventory: Inventory, moid: str = "vm-1", folder: str = "vm1", **values: Any) -> Machine:
    at = node(inventory, folder)
    datacenter = inventory.entry(at.datacenter or "")
    values = {"kind": "container", **values}
    return Machine(moid=moid, name="web", path=f"{at.path}/web", folder=at, datacenter=datacenter, **values)


def test_two_vms_with_one_name_are_distinguished_by_folder_or_datacenter_or_an_error(inventory: Inventory) -> None:
    both = [
        machine(inventory, "vm-1", "f-apps"),
        machine(inventory, "vm-2", "f-apps2"),
        machine(inventory, "vm-3", "vm2"),
    ]
    with pytest.raises(GantryError, match=r"2 VMs: /DC0/vm/apps/web, /DC0/vm/apps2/web"):
        resolve.choose_machine("web", both, node(inventory, "dc1"), None)
    chosen = resolve.choose_machine("web", both, None, node(inventory, "f-apps2"))
    assert chosen is both[1]
    assert resolve.choose_machine("web", both, node(inventory, "dc2"), None) is both[2]


def test_an_unmanaged_vm_in_another_folder_is_ignored_but_a_container_is_moved(inventory: Inventory) -> None:
    foreign = machine(inventory, "vm-1", "f-apps", kind=None)
    ours = machine(inventory, "vm-2", "f-apps2")
    target = node(inventory, "f-web")
    assert resolve.choose_machine("web", [foreign], None, target) is None
    assert resolve.choose_machine("web", [foreign, ours], None, target) is ours
    with pytest.raises(GantryError, match="2 VMs"):
        resolve.choose_machine("web", [foreign, ours], None, None)


def choose(*images: Image, reference: str = "registry.example.com/nginx", **options: Any) -> Image:
    options = {"machine": None, "datastore": None, **options}
    found = resolve.matching_images(reference, images, DATACENTER)
    return resolve.image_for_clone(reference, found, options["datastore"], options["machine"])


def test_an_image_is_found_by_any_spelling_of_its_reference_or_by_its_digest() -> None:
    for reference in (
        "registry.example.com/nginx",
        "registry.example.com/nginx:latest",
        f"nginx@{DIGEST}",
        f"nginx:9@{DIGEST}",
    ):
        assert choose(image(), image(digest=OTHER_DIGEST, references=()), reference=reference).digest == DIGEST


def test_a_missing_image_is_an_error_with_a_remedy() -> None:
    with pytest.raises(
        GantryError,
        match=r"'nginx:2' is not in datacenter DC0; the images there are: registry.example.com/nginx:latest",
    ):
        choose(image(), reference="nginx:2")


@pytest.mark.parametrize(
    ("reference", "images", "found"),
    [
        (f"nginx@{OTHER_DIGEST}", [], "no image there has this digest"),
        (f"nginx@{OTHER_DIGEST}", [image()], "no image there has this digest"),
        ("nginx:2", [], "there is no image yet"),
        ("nginx:2", [image(references=())], "the images there have no reference"),
    ],
)
def test_the_error_for_a_missing_image_lists_the_existing_ones(reference: str, images: list[Image], found: str) -> None:
    """Check it for digests too, for which only matching templates are read, so that others are unknown."""
    with pytest.raises(GantryError, match=rf"is not in datacenter DC0; {found}\. Run container_image for it first\."):
        choose(*images, reference=reference)


def test_one_reference_on_two_digests_is_ambiguous() -> None:
    with pytest.raises(GantryError, match="the name of 2 images"):
        choose(image(), image(moid="vm-6", digest=OTHER_DIGEST))


def test_of_two_datastores_one_must_be_given() -> None:
    other = image(moid="vm-6", datastore=SHARED1)
    with pytest.raises(GantryError, match=r"shared0, shared1\. Select one"):
        choose(image(), other)
    assert choose(image(), other, datastore=other.datastore) is other
    with pytest.raises(GantryError, match="not in shared1, and"):
        choose(image(), datastore=other.datastore)


def test_a_replacement_stays_in_the_datastore_of_the_machine_it_replaces(inventory: Inventory) -> None:
    other = image(moid="vm-6", datastore=SHARED1)
    assert choose(image(), other, machine=machine(inventory, datastore=SHARED1)) is other
    assert choose(image(), other, machine=machine(inventory, datastore=SHARED1), datastore=SHARED0).datastore is SHARED0


def test_a_new_container_gets_the_latest_conversion() -> None:
    old, new = image(moid="vm-9"), image(moid="vm-10", disk="d2")
    assert choose(old, new) is new


def test_a_machine_keeps_the_conversion_that_it_was_cloned_from(inventory: Inventory) -> None:
    old, new, elsewhere = image(moid="vm-9"), image(moid="vm-10", disk="d2"), image(moid="vm-11", datastore=SHARED1)
    running = machine(inventory, digest=DIGEST, disk="d1", datastore=SHARED0)
    assert resolve.image_of_machine([old, new, elsewhere], running) is old
    moved = replace(running, datastore=SHARED1)
    assert resolve.image_of_machine([old, new, elsewhere], moved) is elsewhere
    assert resolve.image_of_machine([old, new], moved) is old

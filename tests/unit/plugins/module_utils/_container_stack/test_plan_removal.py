# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the removal of a project with its volumes and images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedNeeds,
    ObservedStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan import plan_stack
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_removal import kept_images
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredVolume,
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumePlace,
)
from tests.support.builders.containers import DATACENTER, DATASTORES
from tests.support.builders.images import NGINX, observed, request, template

WEB = Machine("vm-9", "shop-web-1", "/DC0/vm/shop-web-1", KIND_CONTAINER, OFF, volumes=(AttachedVolume("id-1", 0),))
OTHER = "/DC0/vm/other/shop-web-1"
LATEST = NGINX.replace(":1", ":latest")


def stack(
    *,
    images: tuple[tuple[ImageRequest, tuple[str, ...]], ...] = (),
    templates: tuple[ImageTemplate, ...] = (),
    users: tuple[str, ...] | None = None,
    confirmed: bool = True,
    machines: tuple[Machine, ...] = (WEB,),
) -> tuple[DesiredStack, ObservedStack]:
    """Return a stack that is removed. Images come with the users of all templates, a volume with its own."""
    requests = tuple(one for one, _users in images)
    volumes = None
    needs = ObservedNeeds(
        tuple(
            (one, observed(*templates, resolved=None, users={each.moid: of for each in templates}))
            for one, of in images
        )
    )
    if users is not None:
        volumes = DesiredVolumes((DesiredVolume("shop_data"),), True, None, False, confirmed)
        volume = Volume("shop_data", 64, DATASTORES[0], {}, id="id-1", users=users)
        needs = replace(needs, volumes=ObservedVolumes(DATACENTER, (VolumePlace(None, volume),)))
    containers = DesiredSet("shop", (), {}, present=False)
    desired = DesiredStack("shop", containers, images=requests, volumes=volumes)
    unlisted = tuple(ObservedContainer(one) for one in machines)
    return desired, ObservedStack(needs, ObservedSet((), unlisted))


def actions(*both: Any) -> list[str]:
    return plan_stack(*both).actions()


def test_volumes_and_images_are_removed_after_the_containers_that_use_them() -> None:
    found = actions(
        *stack(images=((request(state="absent"), (WEB.path,)),), templates=(template(),), users=("shop-web-1",))
    )
    assert [one.split()[0] for one in found] == ["detach", "remove", "delete", "destroy"]


def test_a_volume_that_another_vm_of_the_same_name_uses_is_not_deleted() -> None:
    """The name tells nothing: another folder can have a VM of the same name."""
    elsewhere = replace(WEB, volumes=())
    with pytest.raises(GantryError, match="shop_data is not deleted because it is attached to shop-web-1"):
        actions(*stack(users=("shop-web-1",), machines=(elsewhere,)))
    with pytest.raises(GantryError, match="Say confirm_data_loss: true"):
        actions(*stack(users=("shop-web-1",), confirmed=False))


def test_an_image_that_other_vms_use_is_kept_and_named() -> None:
    both = stack(images=((request(state="absent"), (WEB.path, OTHER)),), templates=(template(),))
    assert [one.split()[0] for one in actions(*both)] == ["detach", "remove"]
    (kept,) = kept_images(*both)
    assert (kept.reference, kept.users) == (NGINX, (OTHER,))


def test_an_image_loses_the_references_of_the_project_and_keeps_others() -> None:
    both = stack(
        images=((request(state="absent"), (OTHER,)),), templates=(template(references=(NGINX, "r.example/b:2")),)
    )
    assert actions(*both)[2:] == [f"remove reference {NGINX} ({template().name})"]
    assert kept_images(*both) == []


@pytest.mark.parametrize(("users", "last"), [((WEB.path,), "destroy"), ((OTHER,), "remove")])
def test_two_references_of_the_project_are_one_image(users: tuple[str, ...], last: str) -> None:
    requests = (request(state="absent"), request(state="absent", name="nginx:latest"))
    both = stack(images=tuple((one, users) for one in requests), templates=(template(references=(NGINX, LATEST)),))
    assert actions(*both)[-1].split()[0] == last
    assert [one.reference for one in kept_images(*both)] == ([] if last == "destroy" else [LATEST])

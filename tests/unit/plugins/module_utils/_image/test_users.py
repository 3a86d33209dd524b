# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The VMs that use the disk of a template: by their files, and where these do not tell, by what they record."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import VmDisks, users_of
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import READY, ImageTemplate

BASE = "[ds0] image/image.vmdk"


def template(moid: str = "t0", datastore: str = "ds0") -> ImageTemplate:
    return ImageTemplate(
        moid=moid,
        name="gantry-image-1",
        folder="f",
        path="/DC0/vm/gantry-image-1",
        datastore=datastore,
        is_template=True,
        has_snapshot=True,
        state=READY,
        reference="app",
        references=("app",),
        digest="sha256:1",
        disk="d1",
        config={},
    )


def vm(*files: str, **changes: Any) -> VmDisks:
    return VmDisks("/DC0/vm/web", frozenset(files), **changes)


IMAGE = VmDisks("/DC0/vm/gantry-image-1", frozenset({BASE}), is_image=True, image_disk="d1")
OTHER = VmDisks("/DC0/vm/gantry-image-2", frozenset({"[ds1] image/image.vmdk"}), is_image=True, image_disk="d1")


@pytest.mark.parametrize(
    ("user", "uses"),
    [
        (vm("[ds0] web/web.vmdk", BASE), True),
        (vm("[ds0] web/web.vmdk", image_disk="d1"), True),
        # Without a parent and without the image's name nothing tells it.
        (vm("[ds0] web/web.vmdk"), False),
        (vm("[ds0] web/web.vmdk", image_disk="d2"), False),
        (vm("[ds1] web/web.vmdk", image_disk="d1"), False),
        # Its parent shows that it is a clone of the other template.
        (vm("[ds0] web/scratch.vmdk", "[ds1] web/web.vmdk", "[ds1] image/image.vmdk", image_disk="d1"), False),
    ],
)
def test_a_user_is_recognized(user: VmDisks, uses: bool) -> None:
    disks = {"t0": IMAGE, "t1": OTHER, "v0": user}
    assert users_of(template(), disks) == (("/DC0/vm/web",) if uses else ())


def test_a_template_of_the_same_image_is_no_user() -> None:
    twin = VmDisks("/DC0/vm/gantry-image-3", frozenset({"[ds0] twin/twin.vmdk"}), is_image=True, image_disk="d1")
    assert users_of(template(), {"t0": IMAGE, "t2": twin}) == ()

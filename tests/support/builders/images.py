# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests, templates and places for the tests of images."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._image.desire import desire_image
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    Datastore,
    ImagePlace,
    ImageRequest,
    ObservedImages,
    Resolved,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.options import image_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import READY, ImageTemplate

DIGEST_A = "sha256:" + "a" * 64
DIGEST_B = "sha256:" + "b" * 64
DISK_A = "1" * 64
DISK_B = "2" * 64
NGINX = "docker.io/library/nginx:1"


def request(**options: Any) -> ImageRequest:
    """Return the request of a task, its options validated as Ansible validates them."""
    result = ArgumentSpecValidator(image_argument_spec()).validate({"name": "nginx:1", **options})
    assert not result.error_messages, result.error_messages
    return desire_image(result.validated_parameters)


def template(moid: str = "vm-1", **fields: Any) -> ImageTemplate:
    values: dict[str, Any] = {
        "moid": moid,
        "name": "gantry-image-aaaaaaaaaaaa-11111111",
        "folder": "group-v1",
        "path": "/DC0/vm/gantry-images/gantry-image-aaaaaaaaaaaa-11111111",
        "datastore": "shared0",
        "is_template": True,
        "has_snapshot": True,
        "state": READY,
        "reference": "nginx:1",
        "references": (NGINX,),
        "digest": DIGEST_A,
        "disk": DISK_A,
        "config": {"Cmd": ["nginx"]},
        **fields,
    }
    return ImageTemplate(**values)


def place(**fields: Any) -> ImagePlace:
    values: dict[str, Any] = {
        "datacenter": "datacenter-1",
        "datacenter_name": "DC0",
        "folder_path": "/DC0/vm/gantry-images",
        "folder": "group-v1",
        "folder_parent": "group-v0",
        "pool": "resgroup-1",
        "datastore": Datastore("datastore-1", "shared0", 1 << 40),
        **fields,
    }
    return ImagePlace(**values)


def observed(*templates: ImageTemplate, **fields: Any) -> ObservedImages:
    values: dict[str, Any] = {
        "place": place(),
        "templates": templates,
        "resolved": Resolved(DIGEST_A, DISK_A),
        **fields,
    }
    return ObservedImages(**values)

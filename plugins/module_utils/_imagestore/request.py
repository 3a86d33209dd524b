# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asks of an image: the options, and the validated request made of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.options import ImageOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._image.reference import Reference, parse_reference

DEFAULT_FOLDER = "gantry-images"


@dataclass(frozen=True)
class ImageRequest:
    """The desired state of one image. A place that is None was not given."""

    reference: Reference
    as_written: str
    present: bool
    pull: str
    options: ImageOptions
    cache: Path | None
    datacenter: str | None = None
    cluster: str | None = None
    resource_pool: str | None = None
    folder: str | None = None
    datastore: str | None = None

    @property
    def recorded(self) -> str:
        """The reference in the one form in which templates record it."""
        return str(self.reference)


@dataclass(frozen=True)
class ImageQuery:
    """What container_image_info is asked for."""

    datacenter: str | None
    reference: Reference | None

    @property
    def recorded(self) -> str | None:
        return None if self.reference is None else str(self.reference)


def image_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of container_image besides those of the connection."""
    return {
        "name": {"type": "str", "required": True, "aliases": ["image"]},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "pull": {"type": "str", "choices": ["always", "missing", "never"], "default": "missing"},
        "registry_username": {"type": "str"},
        "registry_password": {"type": "str", "no_log": True},
        "registry_auth_file": {"type": "path"},
        "registry_tls_verify": {"type": "bool", "default": True},
        "registry_cert_dir": {"type": "path"},
        "signature_policy": {"type": "path"},
        "platform": {"type": "str", "choices": ["linux/amd64"], "default": "linux/amd64"},
        "cache_path": {"type": "path"},
        "datacenter": {"type": "str"},
        "cluster": {"type": "str"},
        "resource_pool": {"type": "str"},
        "folder": {"type": "str"},
        "datastore": {"type": "str"},
    }


REQUIRED_TOGETHER = (("registry_username", "registry_password"),)
MUTUALLY_EXCLUSIVE = (("registry_username", "registry_auth_file"),)


def info_argument_spec() -> dict[str, dict[str, Any]]:
    """The options of container_image_info besides those of the connection."""
    return {
        "name": {"type": "str", "aliases": ["image"]},
        "datacenter": {"type": "str"},
    }


def image_request(params: Mapping[str, Any]) -> ImageRequest:
    folder = params["folder"]
    if folder is not None and not folder.strip("/"):
        raise GantryError(f"folder {folder!r} names no folder. Give its name or path below the datacenter's VMs.")
    return ImageRequest(
        reference=parse_reference(params["name"]),
        as_written=params["name"],
        present=params["state"] == "present",
        pull=params["pull"],
        options=ImageOptions(
            architecture=params["platform"].partition("/")[2],
            auth_file=_path(params["registry_auth_file"]),
            username=params["registry_username"],
            password=params["registry_password"],
            tls_verify=params["registry_tls_verify"],
            certificates=_path(params["registry_cert_dir"]),
            policy=_path(params["signature_policy"]),
        ),
        cache=_path(params["cache_path"]),
        datacenter=params["datacenter"],
        cluster=params["cluster"],
        resource_pool=params["resource_pool"],
        folder=folder,
        datastore=params["datastore"],
    )


def image_query(params: Mapping[str, Any]) -> ImageQuery:
    name = params["name"]
    return ImageQuery(
        datacenter=params["datacenter"],
        reference=None if name is None else parse_reference(name),
    )


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)

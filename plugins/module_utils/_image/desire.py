# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the options into a validated request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageQuery,
    ImageRequest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import desire_pull_options, path_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import parse_transport


def desire_image(params: Mapping[str, Any]) -> ImageRequest:
    folder = params["folder"]
    if folder is not None and not folder.strip("/"):
        raise GantryError(f"folder {folder!r} names no folder. Give its name or path below the datacenter's VMs.")
    return ImageRequest(
        reference=parse_reference(params["name"]),
        as_written=params["name"],
        present=params["state"] == "present",
        pull=params["pull"],
        options=desire_pull_options(params, params["platform"].partition("/")[2]),
        cache=path_or_none(params["cache_path"]),
        source=None if params["source"] is None else parse_transport(params["source"]),
        datacenter=params["datacenter"],
        cluster=params["cluster"],
        resource_pool=params["resource_pool"],
        folder=folder,
        datastore=params["datastore"],
        assume_removed=frozenset(params["assume_removed"]),
    )


def desire_query(params: Mapping[str, Any]) -> ImageQuery:
    name = params["name"]
    return ImageQuery(
        datacenter=params["datacenter"],
        reference=None if name is None else parse_reference(name),
    )

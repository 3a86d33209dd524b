# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the options of container_image_prune. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_duration, parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import PruneRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import path_or_none


def desire_prune(params: Mapping[str, Any]) -> PruneRequest:
    age = params["older_than"]
    names = params["names"]
    if names is not None and not (names and all(names)):
        raise GantryError(
            "names is an empty list or has an empty pattern, which matches no image. Leave it out to select all images."
        )
    return PruneRequest(
        datacenter=params["datacenter"],
        folder=params["folder"],
        datastore=params["datastore"],
        dangling=params["dangling"],
        older_than=None if age is None else timedelta(seconds=parse_duration(age, "older_than")),
        names=tuple(names or ()),
        labels=parse_strings(params["labels"] or {}, "labels"),
        cache=path_or_none(params["cache_path"]),
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of vm_folder to the desired folder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import parse_path
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import (
    DesiredFolder,
    DesiredFolders,
)


def desire_folders(params: Mapping[str, Any]) -> DesiredFolders:
    """Return the folder or the folders that a task describes."""
    listed = params["paths"] is not None
    paths = params["paths"] if listed else [params["path"]]
    return DesiredFolders(
        folders=tuple(desire_folder({**params, "path": path}) for path in paths),
        listed=listed,
        present=params["state"] == "present",
        assume_removed=frozenset(params["assume_removed"]),
    )


def desire_folder(params: Mapping[str, Any]) -> DesiredFolder:
    """Return the folder that a task describes."""
    return DesiredFolder(
        path=parse_path(params["path"], "path"),
        datacenter=params["datacenter"],
        present=params["state"] == "present",
        when_not_empty=params["when_not_empty"],
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What vm_folder returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import Several
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import DesiredFolders, ObservedFolder


def folders_result(desired: DesiredFolders, observed: Several[ObservedFolder]) -> dict[str, Any]:
    """Return the task's own part of the result: of one folder, or of each in the list that the task gives."""
    results = [folder_result(one) for one in observed.ones]
    if not desired.listed:
        return results[0]
    return {
        "folders": [one["folder"] for one in results],
        "created": sorted(path for one in results for path in one["created"]),
    }


def folder_result(observed: ObservedFolder) -> dict[str, Any]:
    """Return the result of one folder."""
    folder = observed.folder
    return {
        "folder": None if folder is None else {"path": folder.path, "moid": folder.moid},
        "created": list(observed.created),
    }

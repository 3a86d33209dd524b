# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of vm_folder to the desired folder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import parse_path
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import DesiredFolder


def desire_folder(params: Mapping[str, Any]) -> DesiredFolder:
    """Return the folder that a task describes."""
    return DesiredFolder(parse_path(params["path"], "path"), params["datacenter"], params["state"] == "present")

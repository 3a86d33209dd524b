# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of bootstrap_image to a request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import BootstrapRequest


def desire_bootstrap(params: Mapping[str, Any]) -> BootstrapRequest:
    """Return the request of a task."""
    return BootstrapRequest(
        present=params["state"] == "present",
        src=None if params["src"] is None else Path(params["src"]),
        version=params["version"],
        datacenter=params["datacenter"],
        datastore=params["datastore"],
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect the collection's modules to one of the lab's vCenters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def connection_environment(info: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables that the modules read. ``info`` is the content of lab.json."""
    vcenter = info["vcenter"]
    return {
        "VMWARE_HOST": vcenter["hostname"],
        "VMWARE_PORT": str(vcenter["port"]),
        "VMWARE_USER": vcenter["username"],
        "VMWARE_PASSWORD": vcenter["password"],
        "VMWARE_CA_PATH": vcenter["ca_path"],
    }

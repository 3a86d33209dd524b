# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of host_maintenance. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import ObservedHost
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.report import evacuated_report
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import blockers_report


def maintenance_result(observed: ObservedHost) -> dict[str, Any]:
    """Return the host, the VMs that left it and those that stay, and the blockers of maintenance mode."""
    result: dict[str, Any] = {
        "host": {
            "name": observed.name,
            "path": observed.path,
            "moid": observed.moid,
            "cluster": observed.cluster,
            "maintenance": observed.maintenance,
        },
        "evacuated": evacuated_report(observed),
        "staying": list(observed.staying),
        "left_to_vcenter": list(observed.left_to_vcenter),
        "blockers": blockers_report(observed.blockers),
    }
    if observed.warnings:
        result["warnings"] = list(observed.warnings)
    return result

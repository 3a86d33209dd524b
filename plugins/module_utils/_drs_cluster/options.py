# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of drs_cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import POLICIES
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import AUTOMATION_LEVELS


def settings_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options without defaults: settings that are not given stay as they are."""
    return {
        "enabled": {"type": "bool"},
        "automation_level": {"type": "str", "choices": list(AUTOMATION_LEVELS)},
        "migration_threshold": {"type": "int", "choices": [1, 2, 3, 4, 5]},
        "scalable_shares": {"type": "bool"},
        "vm_overrides": {"type": "bool"},
        "predictive_drs": {"type": "bool"},
        "advanced_options": {"type": "dict"},
        "ha": {
            "type": "dict",
            "options": {
                "enabled": {"type": "bool"},
                "host_monitoring": {"type": "bool"},
                "admission_control": {
                    "type": "dict",
                    "options": {
                        "policy": {"type": "str", "choices": list(POLICIES), "required": True},
                        "host_failures_tolerated": {"type": "int"},
                        "cpu_percent": {"type": "int"},
                        "memory_percent": {"type": "int"},
                        "failover_hosts": {"type": "list", "elements": "str"},
                    },
                },
            },
        },
    }

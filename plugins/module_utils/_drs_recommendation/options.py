# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of drs_recommendation."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import ACTIONS, LIST


def recommendation_argument_spec() -> dict[str, dict[str, Any]]:
    return {
        "action": {"type": "str", "choices": list(ACTIONS), "default": LIST},
        "keys": {"type": "list", "elements": "str", "no_log": False},
        "reasons": {"type": "list", "elements": "str"},
        "vms": {"type": "list", "elements": "raw"},
        "all": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }

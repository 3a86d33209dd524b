# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument spec of cluster_info."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec


def cluster_info_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the options of cluster_info besides those of the connection."""
    return {**place_argument_spec(), "without": {"type": "list", "elements": "str", "default": []}}

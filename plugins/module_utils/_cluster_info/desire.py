# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of cluster_info to a query. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterQuery


def desire_clusters(params: Mapping[str, Any]) -> ClusterQuery:
    """Return the query of a task."""
    return ClusterQuery(params["cluster"], params["datacenter"], tuple(params["without"]))

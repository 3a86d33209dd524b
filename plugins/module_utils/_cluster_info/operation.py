# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of cluster_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.desire import desire_clusters
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.model import ClusterQuery, ClusterState
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.observe import observe_clusters
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.options import cluster_info_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._cluster_info.result import clusters_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ClusterInfo(InfoOperation[ClusterQuery, list[ClusterState]]):
    """Read clusters with their hosts and capacity."""

    name = "cluster_info"
    argument_spec = argument_spec(**cluster_info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> ClusterQuery:
        return desire_clusters(params)

    def observe(self, session: Session, desired: ClusterQuery) -> list[ClusterState]:
        return observe_clusters(session, desired)

    def result(self, desired: ClusterQuery, observed: list[ClusterState]) -> dict[str, Any]:
        return clusters_result(observed)

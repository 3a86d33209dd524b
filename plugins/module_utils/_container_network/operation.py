# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of container_network and container_network_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.apply import apply_network
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.changes import NetworkChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.desire import (
    desire_network,
    desire_networks,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    DesiredNetwork,
    NetworkQuery,
    NetworkState,
    ObservedNetwork,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.observe import (
    observe_network,
    observe_networks,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.options import (
    network_argument_spec,
    network_info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.plan import plan_network
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.result import (
    network_result,
    networks_result,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.options import NOT_TOGETHER

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerNetwork(Operation[DesiredNetwork, ObservedNetwork, NetworkChange]):
    """Manage a port group with its address pools."""

    name = "container_network"
    argument_spec = argument_spec(**network_argument_spec())
    mutually_exclusive = NOT_TOGETHER

    def desire(self, params: Mapping[str, Any]) -> DesiredNetwork:
        return desire_network(params)

    def observe(self, session: Session, desired: DesiredNetwork) -> ObservedNetwork:
        return observe_network(session, desired)

    def plan(self, desired: DesiredNetwork, observed: ObservedNetwork) -> Plan[NetworkChange]:
        return plan_network(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredNetwork,
        observed: ObservedNetwork,
        plan: Plan[NetworkChange],
        report: Report,
    ) -> ObservedNetwork:
        return apply_network(session, desired, observed, plan, report)

    def result(self, desired: DesiredNetwork, observed: ObservedNetwork) -> dict[str, Any]:
        return network_result(observed)


class ContainerNetworkInfo(InfoOperation[NetworkQuery, list[NetworkState]]):
    """Read networks with their address pools."""

    name = "container_network_info"
    argument_spec = argument_spec(**network_info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> NetworkQuery:
        return desire_networks(params)

    def observe(self, session: Session, desired: NetworkQuery) -> list[NetworkState]:
        return observe_networks(session, desired)

    def result(self, desired: NetworkQuery, observed: list[NetworkState]) -> dict[str, Any]:
        return networks_result(observed)

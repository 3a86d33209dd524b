# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of bootstrap_image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.apply import apply_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.changes import BootstrapChange
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.desire import desire_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import BootstrapRequest, ObservedBootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe import observe_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    bootstrap_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.plan import plan_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.result import bootstrap_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class BootstrapImage(Operation[BootstrapRequest, ObservedBootstrap, BootstrapChange]):
    """Keep the bootstrap ISO on a datastore, or remove it."""

    name = "bootstrap_image"
    argument_spec = argument_spec(**bootstrap_argument_spec())
    required_together = REQUIRED_TOGETHER
    mutually_exclusive = MUTUALLY_EXCLUSIVE

    def desire(self, params: Mapping[str, Any]) -> BootstrapRequest:
        return desire_bootstrap(params)

    def observe(self, session: Session, desired: BootstrapRequest) -> ObservedBootstrap:
        return observe_bootstrap(session, desired)

    def plan(self, desired: BootstrapRequest, observed: ObservedBootstrap) -> Plan[BootstrapChange]:
        return plan_bootstrap(desired, observed)

    def apply(
        self,
        session: Session,
        desired: BootstrapRequest,
        observed: ObservedBootstrap,
        plan: Plan[BootstrapChange],
        report: Report,
    ) -> ObservedBootstrap:
        return apply_bootstrap(session, desired, observed, plan, report)

    def result(self, desired: BootstrapRequest, observed: ObservedBootstrap) -> dict[str, Any]:
        return bootstrap_result(desired, observed)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of container_vm_logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.desire import desire_logs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.model import ContainerLog, DesiredLogs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.observe import observe_logs
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.options import logs_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_logs.result import logs_result
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerVmLogs(InfoOperation[DesiredLogs, tuple[ContainerLog, ...]]):
    """container_vm_logs."""

    name = "container_vm_logs"
    argument_spec = argument_spec(**logs_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredLogs:
        return desire_logs(params, datetime.now(timezone.utc))

    def observe(self, session: Session, desired: DesiredLogs) -> tuple[ContainerLog, ...]:
        return observe_logs(session, desired)

    def result(self, desired: DesiredLogs, observed: tuple[ContainerLog, ...]) -> dict[str, Any]:
        return logs_result(desired, observed)

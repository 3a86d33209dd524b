# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation of vm_folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.apply import apply_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.changes import FolderChange
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.desire import desire_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import DesiredFolder, ObservedFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.observe import observe_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.options import folder_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.plan import plan_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.result import folder_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class VmFolder(Operation[DesiredFolder, ObservedFolder, FolderChange]):
    name = "vm_folder"
    argument_spec = argument_spec(**folder_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredFolder:
        return desire_folder(params)

    def observe(self, session: Session, desired: DesiredFolder) -> ObservedFolder:
        return observe_folder(session, desired)

    def plan(self, desired: DesiredFolder, observed: ObservedFolder) -> Plan[FolderChange]:
        return plan_folder(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredFolder,
        observed: ObservedFolder,
        plan: Plan[FolderChange],
        report: Report,
    ) -> ObservedFolder:
        return apply_folder(session, observed, plan, report)

    def result(self, desired: DesiredFolder, observed: ObservedFolder) -> dict[str, Any]:
        return folder_result(observed)

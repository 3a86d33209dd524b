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
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.apply import apply_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.desire import desire_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import DesiredFolders, ObservedFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.observe import observe_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.options import ONE_OF, folder_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.plan import plan_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.result import folders_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class VmFolder(Operation[DesiredFolders, Several[ObservedFolder], ChangeOfOne]):
    name = "vm_folder"
    argument_spec = argument_spec(**folder_argument_spec())
    mutually_exclusive = ONE_OF
    required_one_of = ONE_OF

    def desire(self, params: Mapping[str, Any]) -> DesiredFolders:
        return desire_folders(params)

    def observe(self, session: Session, desired: DesiredFolders) -> Several[ObservedFolder]:
        return observe_folders(session, desired)

    def plan(self, desired: DesiredFolders, observed: Several[ObservedFolder]) -> Plan[ChangeOfOne]:
        return plan_folders(desired, observed)

    def apply(
        self,
        session: Session,
        desired: DesiredFolders,
        observed: Several[ObservedFolder],
        plan: Plan[ChangeOfOne],
        report: Report,
    ) -> Several[ObservedFolder]:
        return apply_folders(session, observed, plan, report)

    def result(self, desired: DesiredFolders, observed: Several[ObservedFolder]) -> dict[str, Any]:
        return folders_result(desired, observed)

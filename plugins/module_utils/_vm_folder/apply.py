# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the folders of a path, or remove one that is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import ChangeOfOne, Several, apply_several
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import encode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, type_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.changes import (
    FolderChange,
    MakeVmFolder,
    RemoveVmFolder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import ObservedFolder, refuse_contents
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.observe import read_contents

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_folders(
    session: Session, observed: Several[ObservedFolder], plan: Plan[ChangeOfOne], report: Report
) -> Several[ObservedFolder]:
    """Make the changes of all folders and return what exists then."""
    return apply_several(observed, plan, lambda one, changes: apply_folder(session, one, changes, report))


def apply_folder(
    session: Session, observed: ObservedFolder, plan: Plan[FolderChange], report: Report
) -> ObservedFolder:
    """Make the changes and return what exists then."""
    for change in plan.changes:
        match change:
            case MakeVmFolder():
                observed = _make(session, observed, change, report)
            case RemoveVmFolder():
                _remove(session, change, report)
                observed = change.project(observed)
    return observed


def _make(session: Session, observed: ObservedFolder, change: MakeVmFolder, report: Report) -> ObservedFolder:
    parent = session.ref("Folder", str(observed.levels[-1].moid))
    job = Job(change.path, "create", lambda: parent.CreateFolder(encode_name(change.name)), has_task=False)
    try:
        made = session.run_one(job, report)
    except FaultError as error:
        if error.kind != "DuplicateName" or type_name(error.cause.object) != "Folder":
            raise
        # Another task has created it since the plan was made, so it is there as desired.
        return change.found(observed, moid_of(error.cause.object))
    return change.made(observed, moid_of(made))


def _remove(session: Session, change: RemoveVmFolder, report: Report) -> None:
    # Something may have been put into it since the plan was made.
    contents = read_contents(session, [change.moid])
    if change.moid not in contents:
        return
    refuse_contents(change.path, contents[change.moid])
    folder = session.ref("Folder", change.moid)
    # Unlike Destroy_Task this keeps the files of a VM that is put into the folder at this very moment.
    session.run_one(Job(change.path, "remove", folder.UnregisterAndDestroy_Task), report)

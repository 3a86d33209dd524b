# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply a plan: an ISO is uploaded with a temporary name, verified, and then renamed to its own name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.changes import (
    BootstrapChange,
    RemoveFile,
    UploadIso,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, Iso, read_iso
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    ObservedBootstrap,
    refuse_in_use,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe import (
    lock_of,
    part_name,
    read_files,
    read_inventory,
    read_users,
    upload_locks,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe_source import source_file
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_bootstrap(
    session: Session,
    desired: BootstrapRequest,
    observed: ObservedBootstrap,
    plan: Plan[BootstrapChange],
    report: Report,
) -> ObservedBootstrap:
    for change in plan.changes:
        report(change.describe())
        match change:
            case UploadIso():
                _upload(session, desired, observed, change, report)
            case RemoveFile():
                _remove(session, observed, change, report)
    return plan.project(observed)


def _upload(
    session: Session, desired: BootstrapRequest, observed: ObservedBootstrap, change: UploadIso, report: Report
) -> None:
    if observed.iso is None or desired.source is None:
        raise GantryError(f"The plan to upload {change.path} has no file to upload.")
    datastore = read_inventory(session).datastore(observed.datastore)
    locks = upload_locks(session)
    with locks.acquire(lock_of(change.name), report), source_file(desired.source) as path:
        part = part_name(change.name, locks.controller())
        _make_folder(session, observed)
        session.upload_file(path, datastore=datastore, path=f"{FOLDER}/{part}", report=report)
        _verify_upload(session, observed, observed.iso, path, datastore, part)
        files, datacenter = session.content.fileManager, _datacenter(session, observed)

        def start() -> Any:
            return files.MoveDatastoreFile_Task(
                sourceName=observed.path(part),
                sourceDatacenter=datacenter,
                destinationName=change.path,
                destinationDatacenter=datacenter,
                # A file with that name is damaged or the same, since the name contains the content's hash.
                force=True,
            )

        session.run_one(Job(subject=change.path, action="move into place", start=start), report)


def _verify_upload(
    session: Session, observed: ObservedBootstrap, iso: Iso, path: Path, datastore: Entry, part: str
) -> None:
    """Raise GantryError unless the upload is complete and the file has not changed since its name was computed."""
    sizes = {file.name: file.size for file in read_files(session, datastore)}
    if sizes.get(part) != iso.size:
        found = f"{sizes[part]} bytes" if part in sizes else "no such file"
        raise GantryError(
            f"The upload of {iso.name} to {observed.path(part)} is incomplete: {iso.size} bytes were sent, and "
            f"the datastore has {found}. Containers do not boot from it. Check the free space of the datastore, and "
            "run again."
        )
    if read_iso(path, iso.source).sha256 != iso.sha256:
        raise GantryError(
            f"{iso.source} changed while it was uploaded. Run again when no other program writes to the file."
        )


def _make_folder(session: Session, observed: ObservedBootstrap) -> None:
    try:
        session.content.fileManager.MakeDirectory(
            name=observed.folder, datacenter=_datacenter(session, observed), createParentDirectories=True
        )
    except FaultError as error:
        if error.kind != "FileAlreadyExists":
            raise


def _remove(session: Session, observed: ObservedBootstrap, change: RemoveFile, report: Report) -> None:
    # A container may have been created since the plan was computed.
    if change.name in observed.stored:
        session.inventory(vms=True, refresh=True)
        refuse_in_use(change.path, read_users(session, observed, [change.name]).get(change.name, ()))
    files, datacenter = session.content.fileManager, _datacenter(session, observed)

    def start() -> Any:
        return files.DeleteDatastoreFile_Task(name=change.path, datacenter=datacenter)

    try:
        session.run_one(Job(subject=change.path, action="remove", start=start), report)
    except FaultError as error:
        if error.kind != "FileNotFound":
            raise


def _datacenter(session: Session, observed: ObservedBootstrap) -> Any:
    return session.ref("Datacenter", observed.datacenter)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bootstrap ISO that new container VMs boot from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, version_of_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.api import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.lookup import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PATTERN = "gantry-bootstrap-*.iso"


def find_bootstrap(session: Session, datastore: Entry) -> str:
    """The path of the newest bootstrap ISO in a datastore."""
    (row,) = session.read([datastore.ref], ["browser"])
    spec = vim.host.DatastoreBrowser.SearchSpec(
        matchPattern=[_PATTERN], details=vim.host.DatastoreBrowser.FileInfo.Details(modification=True)
    )
    folder = f"[{datastore.name}] {FOLDER}"
    job = Job(
        subject=folder,
        action="search",
        start=lambda: row["browser"].SearchDatastore_Task(datastorePath=folder, searchSpec=spec),
        mutates=False,
    )
    try:
        result = session.run_one(job, lambda _text: None)
    except FaultError as error:
        if error.kind != "FileNotFound":
            raise
        result = None
    # One that is being uploaded, or was left half-way, has another name.
    files = [file for file in getattr(result, "file", None) or () if version_of_name(file.path) is not None]
    if not files:
        raise GantryError(
            f"there is no bootstrap ISO in {folder}: run bootstrap_image with datastore: {datastore.name} first, or "
            "name an ISO with bootstrap"
        )
    newest = max(files, key=lambda file: (file.modification is not None and file.modification.timestamp(), file.path))
    return f"{folder}/{newest.path}"

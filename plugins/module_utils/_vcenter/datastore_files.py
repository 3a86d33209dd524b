# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find files on datastores, and parse the paths of datastore files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_DATASTORE = re.compile(r"\[(?P<name>[^\]]+)\]")


@dataclass(frozen=True)
class DatastoreFile:
    """A file in a datastore's folder."""

    name: str
    size: int
    modified: datetime | None


def datastore_name(path: str | None) -> str | None:
    """Return the datastore's name of a path such as ``[datastore1] web/web.vmx``."""
    found = _DATASTORE.match(path or "")
    return None if found is None else found["name"]


def search_folder(session: Session, datastore: Entry, folder: str, pattern: str) -> list[DatastoreFile]:
    """Return the files of a folder whose names match; none if there is no such folder.

    This is one task, and one more read if the inventory was read without the datastore's ``browser``.
    """
    browser = datastore.properties.get("browser") or session.read([datastore.ref], ["browser"])[0]["browser"]
    spec = vim.host.DatastoreBrowser.SearchSpec(
        matchPattern=[pattern],
        details=vim.host.DatastoreBrowser.FileInfo.Details(
            fileType=False, fileSize=True, modification=True, fileOwner=False
        ),
    )
    path = f"[{datastore.name}] {folder}"

    def start() -> Any:
        return browser.SearchDatastore_Task(datastorePath=path, searchSpec=spec)

    try:
        found = session.run_one(Job(subject=path, action="search", start=start, mutates=False), lambda _text: None)
    except FaultError as error:
        if error.kind != "FileNotFound":
            raise
        return []
    return [DatastoreFile(str(file.path), int(file.fileSize or 0), file.modification) for file in found.file or ()]

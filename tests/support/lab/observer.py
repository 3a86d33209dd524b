# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the state of a vCenter with pyVmomi's own client and none of the collection's code."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim


@contextmanager
def connected(vcenter: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the content of a vCenter, which ``vcenter`` says how to log in to."""
    instance = SmartConnect(
        host=vcenter["hostname"],
        port=vcenter["port"],
        user=vcenter["username"],
        pwd=vcenter["password"],
        sslContext=ssl.create_default_context(cafile=vcenter["ca_path"]),
    )
    try:
        yield instance.RetrieveContent()
    finally:
        Disconnect(instance)


def all_objects(content: Any, kind: type) -> list[Any]:
    """Return all objects of a type."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    try:
        return list(view.view)
    finally:
        view.Destroy()


def vm_names(vcenter: Mapping[str, Any]) -> list[str]:
    """Return the names of all VMs and templates, sorted."""
    with connected(vcenter) as content:
        return sorted(vm.name for vm in all_objects(content, vim.VirtualMachine))


def datastore_files(vcenter: Mapping[str, Any], datastore: str) -> list[str]:
    """Return the paths of all files on a datastore, sorted."""
    with connected(vcenter) as content:
        (found,) = [one for one in all_objects(content, vim.Datastore) if one.name == datastore]
        task = found.browser.SearchDatastoreSubFolders_Task(f"[{datastore}]", vim.host.DatastoreBrowser.SearchSpec())  # type: ignore[no-untyped-call]
        WaitForTask(task)
        return sorted(
            f"{folder.folderPath.rstrip('/')}/{file.path}" for folder in task.info.result for file in folder.file
        )

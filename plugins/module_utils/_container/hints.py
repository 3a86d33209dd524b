# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies for vCenter's faults."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Clone, ContainerChange

_NO_RESOURCES = (
    "The cluster or the resource pool cannot admit the VM: lower memory or cpus, select another resource_pool or "
    "cluster, or free resources"
)
_NO_HOT_ADD = (
    "vSphere does not add this to the running VM: set restart: true, which changes cpus and memory while the VM is off"
)
_HINTS = {
    "NoDiskSpace": "Make room on the datastore {datastore}, or select another one with datastore",
    "InsufficientStorageSpace": "Make room on the datastore {datastore}, or select another one with datastore",
    "DuplicateName": (
        "There is another object with this name in the folder {folder}, perhaps from a concurrent run: run again"
    ),
    "FileNotFound": (
        "A file of the image or the bootstrap ISO is missing: run container_image and bootstrap_image again"
    ),
    "InsufficientResourcesFault": _NO_RESOURCES,
    "InsufficientCpuResourcesFault": _NO_RESOURCES,
    "InsufficientMemoryResourcesFault": _NO_RESOURCES,
    "InsufficientFailoverResourcesFault": _NO_RESOURCES,
    "NoCompatibleHost": (
        "No host of the cluster that is connected and not in maintenance mode has access to the VM's datastore, its "
        "networks and the bootstrap ISO"
    ),
    "MacAddressInUse": "Another VM has this mac_address: leave it out, or give another",
    "InvalidHostState": (
        "The host of the image's template, or the one of the container, is entering or in maintenance mode or is not "
        "connected: run again, and the template is moved to another host"
    ),
    "HostNotConnected": (
        "The host of the VM is not connected to vCenter: connect it again, or let another host take the VM over, and "
        "run again"
    ),
    "CpuHotPlugNotSupported": _NO_HOT_ADD,
    "MemoryHotPlugNotSupported": _NO_HOT_ADD,
    "NoPermission": "The documentation lists the privileges that the module needs",
    "ConcurrentAccess": "Another client is changing the VM at the same time: run again",
    "TaskInProgress": "Another operation is running on the VM: run again when it has finished",
}


def explain(change: ContainerChange, error: GantryError) -> GantryError:
    """Return the error with the change that failed and its remedy."""
    message = f"could not {change.describe()}: {error.message}"
    hint = _HINTS.get((error.fault or {}).get("type", ""))
    if hint:
        datastore, folder = _where(change)
        message = f"{message.rstrip('.')}. {hint.format(datastore=datastore, folder=folder)}"
    return GantryError(message, fault=error.fault, details={**error.details, "name": change.container})


def _where(change: ContainerChange) -> tuple[str, str]:
    if isinstance(change, Clone):
        datastore = change.place.datastore.name if change.place.datastore is not None else ""
        return datastore, change.place.folder.path if change.place.folder is not None else ""
    machine = getattr(change, "machine", None)
    datastore = getattr(getattr(machine, "datastore", None), "name", "")
    return datastore, getattr(machine, "folder_path", "")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe bootstrap ISOs by one search of the datastore, whatever the inventory's size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ABANDONED_AFTER, ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import (
    FOLDER,
    HEAD_BYTES,
    find_damage,
    version_of_name,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    ObservedBootstrap,
    selected_isos,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.observe_source import read_source
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import default_root
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import (
    DatastoreFile,
    search_folder,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


BROWSER = "browser"
_PATTERN = "gantry-bootstrap-*"
_PART = ".part-"


def observe_bootstrap(session: Session, desired: BootstrapRequest) -> ObservedBootstrap:
    """Read the ISO of the task, the stored ones, and the VMs that use the ones to be removed."""
    iso = read_source(desired)
    inventory = read_inventory(session)
    datacenter = inventory.datacenter(desired.datacenter)
    datastore = inventory.datastore(desired.datastore, datacenter=datacenter)
    observed = ObservedBootstrap(
        datacenter=datacenter.moid, datastore=datastore.moid, datastore_name=datastore.name, iso=iso
    )
    files = read_files(session, datastore)
    observed = replace(
        observed,
        stored={file.name: file.size for file in files if version_of_name(file.name) is not None},
        abandoned=_abandoned(session, [file for file in files if _PART in file.name]),
    )
    names = [] if desired.present else selected_isos(desired, observed)
    return replace(observed, users=read_users(session, observed, names)) if names else observed


def read_inventory(session: Session) -> Inventory:
    """Return the inventory with the browser of each datastore."""
    return session.inventory(properties={"Datastore": [BROWSER]})


def upload_locks(session: Session) -> ImportLocks:
    """Return the locks that tasks on this machine hold while they upload to this vCenter."""
    return ImportLocks(default_root(), str(session.content.about.instanceUuid or "vcenter"))


def lock_of(name: str) -> str:
    """Return the name of the lock for the upload of an ISO."""
    return f"bootstrap{name}"


def part_name(name: str, controller: str) -> str:
    """Return the name of an ISO while this machine uploads it, so that containers never boot from an incomplete one."""
    return f"{name}{_PART}{controller[:8]}"


def _abandoned(session: Session, parts: Sequence[DatastoreFile]) -> frozenset[str]:
    """Return the interrupted uploads: those of this machine whose lock is free, and old ones of other machines."""
    if not parts:
        return frozenset()
    locks = upload_locks(session)
    controller = locks.known_controller()
    now = server_time(session)
    dead = set()
    for part in parts:
        name = part.name.partition(_PART)[0]
        if controller is not None and part.name == part_name(name, controller):
            if not locks.held(lock_of(name)):
                dead.add(part.name)
        elif part.modified is not None and now - part.modified > ABANDONED_AFTER:
            dead.add(part.name)
    return frozenset(dead)


def read_users(session: Session, observed: ObservedBootstrap, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the paths of the VMs with one of these ISOs in their CD drive. Reads the devices of all VMs."""
    inventory = session.inventory(vms=True)
    datacenter = inventory.datacenter(observed.datacenter)
    vms = {entry.moid: entry for entry in inventory.vms(datacenter=datacenter)}
    by_path = {observed.path(name): name for name in names}
    users: dict[str, list[str]] = {}
    for row in session.read([entry.ref for entry in vms.values()], ["config.hardware.device"]):
        for device in row.get("config.hardware.device") or ():
            if isinstance(device, vim.vm.device.VirtualCdrom):
                name = by_path.get(str(getattr(device.backing, "fileName", "")))
                if name is not None:
                    users.setdefault(name, []).append(vms[row.moid].path)
    return {name: tuple(sorted(paths)) for name, paths in users.items()}


def has_file(session: Session, datastore: Entry, path: str) -> bool:
    """Return whether a datastore holds the file of a path such as ``[datastore1] gantry/bootstrap/a.iso``."""
    folder, _slash, name = path.partition("]")[2].strip().rpartition("/")
    return any(file.name == name for file in search_folder(session, datastore, folder, name))


def read_files(session: Session, datastore: Entry) -> list[DatastoreFile]:
    """Return the ISOs on a datastore, and the remains of interrupted uploads."""
    return search_folder(session, datastore, FOLDER, _PATTERN)


def find_bootstrap(session: Session, datastores: Sequence[Entry]) -> str:
    """Return the path of the newest complete bootstrap ISO on the first of the datastores that has one."""
    damages: list[str] = []
    for datastore in datastores:
        files = read_files(session, datastore)
        for file in newest_first(file for file in files if version_of_name(file.name) is not None):
            head = session.download_file(datastore=datastore, path=f"{FOLDER}/{file.name}", max_bytes=HEAD_BYTES)
            damage = "it no longer exists" if head is None else find_damage(head, file.size)
            if damage is None:
                return f"[{datastore.name}] {FOLDER}/{file.name}"
            damages.append(f"{file.name}: {damage}")
    folders = ", ".join(f"[{datastore.name}] {FOLDER}" for datastore in datastores)
    found = (
        f"no complete bootstrap ISO in {folders} ({listed(damages)})" if damages else f"no bootstrap ISO in {folders}"
    )
    raise GantryError(
        f"There is {found}. Run bootstrap_image with datastore: {datastores[0].name} first, or name an ISO with "
        "bootstrap."
    )


def newest_first(files: Iterable[DatastoreFile]) -> list[DatastoreFile]:
    """Sort ISOs by the time of their upload, those without one last."""
    return sorted(
        files, key=lambda file: (file.modified is not None and file.modified.timestamp(), file.name), reverse=True
    )

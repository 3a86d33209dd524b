# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the image templates of one datacenter and the place for a new one, in a few bulk reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import check_fits
from ansible_collections.gantry.vsphere.plugins.module_utils._image.import_locks import is_abandoned, is_foreign
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    DEFAULT_FOLDER,
    Datastore,
    ImagePlace,
    ImageQuery,
    ImageRequest,
    ObservedImageList,
    ObservedImages,
    Resolved,
    VmDisks,
    find_template,
    matching,
    required_templates,
    users_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import (
    KEY_DISK,
    KEY_KIND,
    KEYS,
    KIND,
    NAME_PREFIX,
    SNAPSHOT,
    ImageTemplate,
    decode,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import default_root
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import describe, resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import host_for_new, new_vm
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import read_hosts
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.decode import (
    HOST_STATE,
    host_can_clone,
    registered_template,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.observe import observe_rehomings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none, vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_FREE = "summary.freeSpace"
_IMPORTED = "config.createDate"
_SIZE = "summary.storage.committed"


def observe_images(session: Session, desired: ImageRequest) -> ObservedImages:
    """Return the state that the plan starts from. Asks the registry if the reference is unknown or must be fresh."""
    inventory = read_inventory(session)
    datacenter = inventory.datacenter(desired.datacenter)
    place = find_place(inventory, datacenter, desired)
    wanted = place.datastore if desired.datastore is not None else None
    templates = read_templates(session, inventory, datacenter)
    matches = matching(templates, desired.reference, wanted)
    clonable = _clonable(inventory, templates)
    observed = ObservedImages(
        place=replace(place, pools=_pools_by_host(inventory, place)),
        wanted_datastore=wanted,
        templates=templates,
        abandoned=read_abandoned(session, import_locks(session, desired.cache), templates),
        resolved=_resolve(desired, matches, templates, clonable) if desired.present else None,
        users=read_users(session, inventory.vms(datacenter=datacenter), matches) if not desired.present else {},
        clonable=clonable,
        foreign_names=_foreign_names(inventory, place, templates),
    )
    observed = replace(observed, rehomings=_rehomings(session, inventory, desired, observed))
    if observed.resolved is None or find_template(desired, observed) is not None:
        return observed
    return replace(observed, place=_with_host(session, inventory, observed.place, desired))


def observe_image_list(session: Session, desired: ImageQuery) -> ObservedImageList:
    """Return the templates of a datacenter, and the disks of its VMs if there are templates."""
    inventory = read_inventory(session)
    datacenter = inventory.datacenter(desired.datacenter)
    templates = read_templates(session, inventory, datacenter)
    if desired.reference is not None:
        templates = tuple(matching(templates, desired.reference, None))
    if not templates:
        return ObservedImageList()
    return ObservedImageList(templates, read_disks(session, inventory.vms(datacenter=datacenter)))


def import_locks(session: Session, cache: Path | None) -> ImportLocks:
    return ImportLocks(cache or default_root(), str(session.content.about.instanceUuid or "vcenter"))


def read_inventory(session: Session, *, refresh: bool = False) -> Inventory:
    properties = {"Datastore": [_FREE], "HostSystem": HOST_STATE}
    return session.inventory(vms=True, properties=properties, refresh=refresh)


def find_place(inventory: Inventory, datacenter: Entry, desired: ImageRequest) -> ImagePlace:
    """Return the place for a new template. Given objects must exist; others must be the only one, if needed."""
    problems = []
    pool = datastore = None
    try:
        cluster = inventory.cluster(desired.cluster, datacenter=datacenter)
        pool = inventory.resource_pool(desired.resource_pool, cluster=cluster)
    except GantryError as error:
        if desired.cluster is not None or desired.resource_pool is not None:
            raise
        problems.append(error.message)
    try:
        datastore = inventory.datastore(desired.datastore, datacenter=datacenter)
    except GantryError as error:
        if desired.datastore is not None:
            raise
        problems.append(error.message)
    parent, folder, path = _folder(inventory, datacenter, desired.folder or DEFAULT_FOLDER)
    return ImagePlace(
        datacenter=datacenter.moid,
        datacenter_name=datacenter.name,
        folder_path=path,
        folder=None if folder is None else folder.moid,
        folder_parent=parent.moid,
        pool=None if pool is None else pool.moid,
        datastore=None if datastore is None else _datastore(datastore),
        problem=" ".join(problems) or None,
    )


def _with_host(session: Session, inventory: Inventory, place: ImagePlace, desired: ImageRequest) -> ImagePlace:
    """Choose the host that takes the upload of a new template. Raises where no host fits."""
    pool, datastore = inventory.entry(place.pool or ""), place.datastore
    if pool is None or datastore is None:
        return place  # the plan reports why
    cluster, store = inventory.entry(moid_of(pool.properties["owner"])), inventory.entry(datastore.moid)
    if cluster is None or store is None:
        raise GantryError(f"The cluster of {pool.path} cannot be read. Check the privileges.")
    hosts = read_hosts(session, inventory, [cluster], [store])
    vm = new_vm(desired.recorded, cluster.moid, datastores={"image": store.moid})
    host = host_for_new(vm, hosts, f"take the upload of image {desired.as_written!r}")
    releases = tuple(one.release or "" for one in hosts.hosts_of(cluster.moid))
    return replace(place, host=None if host is None else host.moid, host_releases=releases)


def _pools_by_host(inventory: Inventory, place: ImagePlace) -> dict[str, str]:
    """Return the pool of each host: the one of the task if it is in the host's cluster, else the root pool there."""
    pool = inventory.entry(place.pool or "")
    own = None if pool is None else moid_of(pool.properties["owner"])
    pools = {}
    for host in inventory.all("HostSystem"):
        cluster = inventory.entry(host.parent or "")
        root = None if cluster is None else moid_or_none(cluster.properties.get("resourcePool"))
        if pool is not None and host.parent == own:
            pools[host.moid] = pool.moid
        elif root is not None:
            pools[host.moid] = root
    return pools


def _rehomings(
    session: Session, inventory: Inventory, desired: ImageRequest, observed: ObservedImages
) -> dict[str, Rehoming]:
    """Return the moves of the required templates that vCenter cannot clone where they are registered."""
    stranded = [
        _registered(inventory, template)
        for template in required_templates(desired, observed)
        if not host_can_clone(inventory, template.host)
    ]
    pool = inventory.entry(observed.place.pool or "")
    return observe_rehomings(session, inventory, stranded, () if pool is None else (pool,))


def _registered(inventory: Inventory, template: ImageTemplate) -> RegisteredTemplate:
    entry = inventory.entry(template.moid)
    if entry is None:
        raise ValueError(f"the template {template.path} is not in the inventory that it was read from")
    datacenter = inventory.entry(entry.datacenter or "")
    store = inventory.datastore(template.datastore, datacenter=datacenter)
    return registered_template(
        entry,
        template.host,
        config_file=template.config_file,
        datastores=[store.moid],
        is_template=template.is_template,
    )


def _datastore(entry: Entry) -> Datastore:
    return Datastore(moid=entry.moid, name=entry.name, free_bytes=int(entry.properties.get(_FREE, 0)))


def _folder(inventory: Inventory, datacenter: Entry, wanted: str) -> tuple[Entry, Entry | None, str]:
    """Return the parent, the folder (None: not created yet) and its path. Only the last folder may be missing."""
    above, _slash, name = wanted.rstrip("/").rpartition("/")
    root = inventory.folder(None, datacenter=datacenter)
    if wanted.rstrip("/") == root.path:
        return root, root, root.path
    parent = inventory.folder(above or None, datacenter=datacenter)
    path = f"{parent.path}/{name}"
    found = [entry for entry in inventory.all("Folder") if entry.parent == parent.moid and entry.name == name]
    return parent, (found[0] if found else None), path


def read_templates(session: Session, inventory: Inventory, datacenter: Entry) -> tuple[ImageTemplate, ...]:
    """Return all VMs of the datacenter that are images or imports, by their names and their extraConfig."""
    entries = {
        entry.moid: entry for entry in inventory.vms(datacenter=datacenter) if entry.name.startswith(NAME_PREFIX)
    }
    if not entries:
        return ()
    options = {key: f'config.extraConfig["{key}"]' for key in KEYS}
    properties = [
        "config.files.vmPathName",
        "config.template",
        "runtime.host",
        "snapshot",
        _IMPORTED,
        _SIZE,
        *options.values(),
    ]
    rows = session.read([entry.ref for entry in entries.values()], properties)
    templates = (_template(entries[row.moid], row, options) for row in rows)
    return tuple(template for template in templates if template is not None)


def _template(entry: Entry, row: Mapping[str, Any], options: Mapping[str, str]) -> ImageTemplate | None:
    values = {key: str(row[path].value) for key, path in options.items() if path in row}
    snapshots = getattr(row.get("snapshot"), "rootSnapshotList", None) or ()
    return decode(
        values,
        moid=entry.moid,
        name=entry.name,
        folder=entry.parent or "",
        path=entry.path,
        datastore=datastore_name(row.get("config.files.vmPathName")) or "",
        is_template=bool(row.get("config.template")),
        has_snapshot=any(tree.name == SNAPSHOT for tree in snapshots),
        host=moid_or_none(row.get("runtime.host")) or "",
        config_file=str(row.get("config.files.vmPathName") or ""),
        imported=row.get(_IMPORTED),
        size_bytes=row.get(_SIZE),
    )


def read_disks(session: Session, vms: Sequence[Entry]) -> dict[str, VmDisks]:
    """Return the disks of these VMs by MoID: one read, of a few kilobytes for each VM."""
    paths = {entry.moid: entry.path for entry in vms}
    options = {key: f'config.extraConfig["{key}"]' for key in (KEY_KIND, KEY_DISK)}
    rows = session.read([entry.ref for entry in vms], ["config.hardware.device", *options.values()])
    return {row.moid: _disks(paths[row.moid], row, options) for row in rows}


def read_users(
    session: Session, vms: Sequence[Entry], templates: Sequence[ImageTemplate]
) -> dict[str, tuple[str, ...]]:
    """Return the users of each template, by the template's MoID. Without templates nothing is read."""
    disks = read_disks(session, vms) if templates else {}
    return {template.moid: users_of(template, disks) for template in templates}


def _disks(path: str, row: Mapping[str, Any], options: Mapping[str, str]) -> VmDisks:
    files = set()
    capacity = 0
    for device in row.get("config.hardware.device") or ():
        if not isinstance(device, vim.vm.device.VirtualDisk):
            continue
        capacity += int(device.capacityInBytes or device.capacityInKB * 1024)
        backing = device.backing
        while backing is not None:
            files.add(str(backing.fileName))
            backing = getattr(backing, "parent", None)
    kind, disk = (getattr(row.get(options[key]), "value", None) for key in (KEY_KIND, KEY_DISK))
    # A clone that someone made by hand records that it is an image, too, but has another name.
    is_image = kind == KIND and path.rpartition("/")[2].startswith(NAME_PREFIX)
    readable = "config.hardware.device" in row
    return VmDisks(path, frozenset(files), capacity, readable, is_image, disk or None)


def _clonable(inventory: Inventory, templates: Sequence[ImageTemplate]) -> frozenset[str]:
    """Return the MoIDs of the templates that can be copied to another datastore as they are."""
    return frozenset(
        one.moid
        for one in templates
        if one.ready and one.is_template and one.has_snapshot and host_can_clone(inventory, one.host)
    )


def _resolve(
    desired: ImageRequest,
    matches: Sequence[ImageTemplate],
    templates: Sequence[ImageTemplate],
    clonable: frozenset[str],
) -> Resolved | None:
    """Resolve the reference. The registry is not asked if what vCenter records is enough.

    That is a template on the datastore of the task, or one on another datastore that can be copied.
    """
    elsewhere = [one for one in matching(templates, desired.reference, None) if one.moid in clonable]
    known = {template.disk: template for template in matches or elsewhere}
    if desired.pull != "always" and len(known) == 1:
        ((disk, template),) = known.items()
        return Resolved(digest=template.digest, disk=disk, config=template.config)
    if desired.pull == "never":
        return None
    image = resolve(desired.as_written, desired.options, desired.source)
    same = next((one for one in templates if one.ready and one.disk == image.disk_id), None)
    # Reading the configuration of a new image also refuses one that cannot run here, before anything is changed.
    config = describe(image, desired.options, None).config if same is None else same.config
    check_fits(
        canonical_json(config),
        f"The configuration of the image {desired.as_written}",
        "Build the image with smaller labels and environment variables.",
    )
    return Resolved(digest=image.digest, disk=image.disk_id, image=image, config=config)


def read_abandoned(session: Session, locks: ImportLocks, templates: Sequence[ImageTemplate]) -> frozenset[str]:
    """Return the MoIDs of the abandoned imports."""
    controller = locks.known_controller()
    foreign = any(is_foreign(template, controller) for template in templates)
    now = server_time(session) if foreign else None
    return frozenset(
        template.moid
        for template in templates
        if is_abandoned(template, controller=controller, held=locks.held(template.disk), now=now)
    )


def _foreign_names(inventory: Inventory, place: ImagePlace, templates: Sequence[ImageTemplate]) -> frozenset[str]:
    ours = {template.moid for template in templates}
    return frozenset(
        entry.name
        for entry in inventory.all("VirtualMachine")
        if entry.parent == place.folder and entry.moid not in ours and entry.name.startswith(NAME_PREFIX)
    )

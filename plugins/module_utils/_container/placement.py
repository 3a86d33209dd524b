# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the placement options to objects, and which of several VMs or templates is meant. Pure.

What is given must exist and be one; what is not given stays as it is, and for a new VM is the only one there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.inventory import (
    COMPUTE,
    DATACENTER,
    DATASTORE,
    FOLDER,
    NETWORK,
    POOL,
    Inventory,
    Node,
    ambiguous,
    missing,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    SUCCESSOR,
    Image,
    Machine,
    Place,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.spec import Config, PlacementOption
from ansible_collections.gantry.vsphere.plugins.module_utils._core.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.reference import is_digest, parse_reference


def find_datacenter(inventory: Inventory, name: str | None) -> Node | None:
    """The datacenter that is named, else the only one, else None: it is not said which."""
    if name is not None:
        return inventory.one(name, DATACENTER, "datacenter")
    datacenters = inventory.of_type(DATACENTER)
    return datacenters[0] if len(datacenters) == 1 else None


def find_folder(inventory: Inventory, name: str | None, datacenter: Node | None) -> Node | None:
    """The VM folder that is named: an absolute path (/DC0/vm/apps) or one below the datacenter's (apps/web)."""
    if name is None:
        return None
    if datacenter is None:
        if name.startswith("/"):
            return inventory.one(name, FOLDER, "folder")
        raise _say_datacenter(inventory)
    root = vm_folder(inventory, datacenter)
    if name.startswith("/"):
        folder = inventory.one(name, FOLDER, "folder", below=root)
        if not inventory.is_below(folder, root):
            raise GantryError(f"folder {name!r} is not a folder for VMs of datacenter {datacenter.name}")
        return folder
    folder = root
    for part in filter(None, name.split("/")):
        child = inventory.child(folder, part, FOLDER)
        if child is None:
            raise _no_folder(inventory, name, root)
        folder = child
    return folder


def vm_folder(inventory: Inventory, datacenter: Node) -> Node:
    """The datacenter's root folder of VMs. vCenter always calls it vm."""
    folder = inventory.child(datacenter, "vm", FOLDER)
    if folder is None:
        raise GantryError(f"the VM folder of datacenter {datacenter.name} cannot be seen by this user")
    return folder


def resolve_place(inventory: Inventory, wanted: PlacementOption, config: Config, datacenter: Node | None) -> Place:
    """All that is given, as objects; what is not given is None."""
    if datacenter is None:
        raise _say_datacenter(inventory)
    cluster = None
    if wanted.cluster is not None:
        cluster = inventory.one(wanted.cluster, COMPUTE, "cluster", below=datacenter)
    pool = None
    if wanted.resource_pool is not None:
        pool = _find_pool(inventory, wanted.resource_pool, cluster or datacenter)
        cluster = inventory.ancestor(pool, COMPUTE)
    datastore = None
    if wanted.datastore is not None:
        datastore = inventory.one(wanted.datastore, DATASTORE, "datastore", below=datacenter)
    folder = find_folder(inventory, wanted.folder, datacenter)
    return Place(
        datacenter=datacenter,
        networks=tuple(
            inventory.one(network.name, NETWORK, "network", below=datacenter) for network in config.networks
        ),
        folder=folder,
        folder_path="" if folder is None else inventory.path(folder),
        pool=pool,
        cluster=cluster,
        datastore=datastore,
    )


def complete_place(inventory: Inventory, place: Place, machine: Machine | None, image: Image) -> Place:
    """The place of a new VM: what was not given is the predecessor's, else the only one there is."""
    folder = place.folder or (machine.folder if machine else None) or vm_folder(inventory, place.datacenter)
    pool = place.pool
    if pool is None and machine is not None and (place.cluster is None or _moid(machine.cluster) == place.cluster.moid):
        pool = machine.pool
    if pool is None:
        pool = root_pool(inventory, place.cluster or _only_cluster(inventory, place.datacenter))
    return replace(
        place,
        folder=folder,
        folder_path=inventory.path(folder),
        pool=pool,
        cluster=inventory.ancestor(pool, COMPUTE),
        datastore=place.datastore or image.datastore,
    )


def root_pool(inventory: Inventory, cluster: Node) -> Node:
    """The pool that a cluster or a single host itself is."""
    for pool in inventory.of_type(POOL, below=cluster):
        if pool.parent == cluster.moid:
            return pool
    raise GantryError(f"the resource pool of {cluster.name} cannot be seen by this user")


def _find_pool(inventory: Inventory, name: str, within: Node) -> Node:
    """A pool by its name, or by its path below the cluster's own (prod/web), or by its absolute path."""
    if name.startswith("/") or "/" not in name:
        return inventory.one(name, POOL, "resource_pool", below=within)
    pools = inventory.of_type(POOL, below=within)
    found = [pool for pool in pools if inventory.path(pool).endswith(f"/Resources/{name.strip('/')}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise ambiguous("resource_pool", name, [inventory.path(pool) for pool in found])
    raise inventory.missing("resource_pool", name, pools)


def _only_cluster(inventory: Inventory, datacenter: Node) -> Node:
    clusters = inventory.of_type(COMPUTE, below=datacenter)
    if len(clusters) == 1:
        return clusters[0]
    if not clusters:
        raise GantryError(f"datacenter {datacenter.name} has no cluster and no host that this user can see")
    names = ", ".join(cluster.name for cluster in clusters)
    raise GantryError(f"datacenter {datacenter.name} has {names}: say where the container is to run with cluster")


def _say_datacenter(inventory: Inventory) -> GantryError:
    names = [node.name for node in inventory.of_type(DATACENTER)]
    if not names:
        return GantryError("there is no datacenter that this user can see")
    return GantryError(f"there are the datacenters {', '.join(names)}: say which with datacenter")


def _no_folder(inventory: Inventory, name: str, root: Node) -> GantryError:
    prefix = inventory.path(root) + "/"
    below = [inventory.path(folder) for folder in inventory.of_type(FOLDER, below=root) if folder.moid != root.moid]
    return missing("folder", name, [path.removeprefix(prefix) for path in below])


def choose_machine(
    name: str, candidates: Sequence[Machine], datacenter: Node | None, folder: Node | None
) -> Machine | None:
    """Which of the VMs of a name is meant. Never simply the first: two that could be meant are an error."""
    within = [one for one in candidates if datacenter is None or _moid(one.datacenter) == datacenter.moid]
    if folder is not None:
        there = [one for one in within if _moid(one.folder) == folder.moid]
        # One of ours elsewhere is to be moved to the folder; another's VM elsewhere is none of our business.
        within = there or [one for one in within if one.ours]
    if len(within) > 1:
        raise ambiguous("name", name, [one.path for one in within])
    return within[0] if within else None


def choose_successors(
    candidates: Sequence[Machine], machine: Machine | None, datacenter: Node | None, folder: Node | None
) -> tuple[Machine, ...]:
    """The successors that an interrupted run left for this container."""
    folders = {_moid(node) for node in ((machine.folder if machine else None), folder) if node is not None}
    found = [
        one
        for one in candidates
        if one.kind == SUCCESSOR
        and (datacenter is None or _moid(one.datacenter) == datacenter.moid)
        and (not folders or _moid(one.folder) in folders)
    ]
    if machine is None and len(found) > 1:
        raise ambiguous("successor", found[0].name, [one.path for one in found])
    return tuple(found)


def choose_image(
    reference: str, images: Sequence[Image], machine: Machine | None, datacenter: Node | None, datastore: Node | None
) -> Image:
    """The template of an image reference. A machine that runs the image keeps to the disk it was cloned from."""
    wanted = parse_reference(reference)
    found = [
        image
        for image in images
        if (datacenter is None or _moid(image.datacenter) == datacenter.moid)
        and (image.digest == wanted.digest if wanted.digest else _refers(image, str(wanted)))
    ]
    if not found:
        raise _no_image(reference, images)
    if len({image.digest for image in found}) > 1:
        raise GantryError(
            f"image {reference!r} is ambiguous: {', '.join(f'{one.name} ({one.digest})' for one in found)} all bear "
            "this reference; give the digest (name@sha256:…), or run container_image for it again"
        )
    if machine is not None and machine.digest == found[0].digest and machine.datastore is not None:
        same = [one for one in found if one.disk == machine.disk and one.datastore.moid == machine.datastore.moid]
        if same and (datastore is None or datastore.moid == machine.datastore.moid):
            return same[0]
    if datastore is not None:
        there = [image for image in found if image.datastore.moid == datastore.moid]
        if not there:
            names = ", ".join(sorted({image.datastore.name for image in found}))
            raise GantryError(
                f"image {reference!r} is in datastore {names} but not in {datastore.name}, and a container's disk lies "
                f"beside its image's; run container_image with datastore: {datastore.name} first"
            )
        found = there
    datastores = sorted({image.datastore.name for image in found})
    if len(datastores) > 1:
        raise GantryError(f"image {reference!r} is in the datastores {', '.join(datastores)}: say which with datastore")
    # Of two conversions of one image the later one: MoIDs count up.
    return max(found, key=lambda image: (len(image.moid), image.moid))


def _refers(image: Image, wanted: str) -> bool:
    return any(_normal(reference) == wanted for reference in image.references)


def _normal(reference: str) -> str:
    try:
        return str(parse_reference(reference))
    except GantryError:
        # Somebody edited the template's list by hand.
        return reference


def _no_image(reference: str, images: Sequence[Image]) -> GantryError:
    known = sorted({reference for image in images for reference in image.references})
    there = f"the images there are: {', '.join(known[:10])}" if known else "there is no image yet"
    return GantryError(
        f"image {reference!r} is not in vCenter; {there}. Run container_image for it first",
        details={"image": reference, "images": known[:50]},
    )


def image_digest_prefix(reference: str) -> str | None:
    """The 12 digits of the digest that a template's name has, where the reference says the digest."""
    digest = parse_reference(reference).digest
    return digest.partition(":")[2][:12] if digest is not None and is_digest(digest) else None


def _moid(node: Node | None) -> str | None:
    return None if node is None else node.moid

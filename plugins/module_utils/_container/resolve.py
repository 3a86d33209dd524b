# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve the placement options to objects, and select the VM and the template. Makes no request.

A given name must match exactly one object; an option that is not given leaves an existing VM unchanged and selects the
only object there is for a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerPlace,
    Image,
    Machine,
    PlacementOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import (
    Config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_PREDECESSOR, KIND_SUCCESSOR
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory


def find_datacenter(inventory: Inventory, name: str | None) -> Entry | None:
    """Return the given datacenter, else the only one; None if there are several."""
    if name is None and len(inventory.all("Datacenter")) > 1:
        return None
    return inventory.datacenter(name)


def find_folder(inventory: Inventory, name: str | None, datacenter: Entry | None) -> Entry | None:
    """Return the given folder, or None if none is given."""
    if name is None:
        return None
    # Raises an error if several datacenters exist and none is given.
    return inventory.folder(name, datacenter=datacenter or inventory.datacenter())


def resolve_place(
    inventory: Inventory, wanted: PlacementOption, config: Config, machine: Machine | None, datacenter: Entry
) -> ContainerPlace:
    """Return the given options as objects; options that are not given are None."""
    cluster = pool = None
    if wanted.cluster is not None:
        cluster = inventory.cluster(wanted.cluster, datacenter=datacenter)
    if wanted.resource_pool is not None:
        if cluster is None:
            cluster = (machine.cluster if machine else None) or inventory.cluster(datacenter=datacenter)
        pool = inventory.resource_pool(wanted.resource_pool, cluster=cluster)
    datastore = None
    if wanted.datastore is not None:
        datastore = inventory.datastore(wanted.datastore, datacenter=datacenter)
    return ContainerPlace(
        datacenter=datacenter,
        networks=tuple(inventory.network(network.name, datacenter=datacenter) for network in config.networks),
        folder=find_folder(inventory, wanted.folder, datacenter),
        pool=pool,
        cluster=cluster,
        datastore=datastore,
        bootstrap=wanted.bootstrap,
    )


def complete_place(
    inventory: Inventory, place: ContainerPlace, machine: Machine | None, image: Image
) -> ContainerPlace:
    """Return the place of a new VM: for options that are not given, the predecessor's place, else the only choice."""
    folder = place.folder or (machine.folder if machine else None)
    cluster, pool = place.cluster, place.pool
    if pool is None and machine is not None and (cluster is None or cluster == machine.cluster):
        cluster, pool = machine.cluster, machine.pool
    if cluster is None:
        cluster = inventory.cluster(datacenter=place.datacenter)
    return replace(
        place,
        folder=folder or inventory.folder(None, datacenter=place.datacenter),
        pool=pool or inventory.resource_pool(None, cluster=cluster),
        cluster=cluster,
        datastore=place.datastore or image.datastore,
    )


def choose_machine(
    name: str, candidates: Sequence[Machine], datacenter: Entry | None, folder: Entry | None
) -> Machine | None:
    """Return the VM that a name selects; raise GantryError if it matches several."""
    within = [one for one in candidates if datacenter is None or one.datacenter == datacenter]
    if folder is not None:
        there = [one for one in within if one.folder == folder]
        # A container VM in another folder is moved to the given one; other VMs there are ignored.
        within = there or [one for one in within if one.ours]
    if len(within) > 1:
        paths = sorted(one.path for one in within)
        raise GantryError(
            f"name {name!r} is the name of {len(within)} VMs: {', '.join(paths)}. "
            "Select one with folder or datacenter.",
            details={"candidates": paths},
        )
    return within[0] if within else None


def choose_successors(
    candidates: Sequence[Machine], machine: Machine | None, datacenter: Entry | None, folder: Entry | None
) -> tuple[Machine, ...]:
    """Return the successors that an interrupted run left for this container."""
    found = _of_container(KIND_SUCCESSOR, candidates, machine, datacenter, folder)
    if machine is None and len(found) > 1:
        raise GantryError(
            f"The container no longer exists and there are {len(found)} successors: "
            f"{', '.join(sorted(one.path for one in found))}. Select one with folder or datacenter."
        )
    return found


def choose_predecessors(
    candidates: Sequence[Machine], machine: Machine | None, datacenter: Entry | None, folder: Entry | None
) -> tuple[Machine, ...]:
    """Return the VMs that an update which is not over keeps of this container."""
    return _of_container(KIND_PREDECESSOR, candidates, machine, datacenter, folder)


def _of_container(
    kind: str,
    candidates: Sequence[Machine],
    machine: Machine | None,
    datacenter: Entry | None,
    folder: Entry | None,
) -> tuple[Machine, ...]:
    folders = [one for one in ((machine.folder if machine else None), folder) if one is not None]
    return tuple(
        one
        for one in candidates
        if one.kind == kind
        and (datacenter is None or one.datacenter == datacenter)
        and (not folders or one.folder in folders)
    )


def matching_images(reference: str, images: Sequence[Image], datacenter: Entry) -> list[Image]:
    """Return the templates of an image reference, which all contain the same image."""
    wanted = parse_reference(reference)
    here = [image for image in images if image.datacenter == datacenter]
    found = [
        image for image in here if (image.digest == wanted.digest if wanted.digest else _refers(image, str(wanted)))
    ]
    if not found:
        raise _no_image(reference, here, datacenter)
    if len({image.digest for image in found}) > 1:
        raise GantryError(
            f"image {reference!r} is the name of {len(found)} images: "
            f"{', '.join(sorted(f'{one.name} ({one.digest})' for one in found))}. "
            "Give its digest (name@sha256:…), or run container_image for it again."
        )
    return found


def images_with(digest: str, images: Sequence[Image], datacenter: Entry, container: str) -> list[Image]:
    """Return the templates of the image that a container keeps."""
    found = [image for image in images if image.datacenter == datacenter and image.digest == digest]
    if not found:
        raise GantryError(
            f"Container {container} keeps its image, since comparisons ignores image, and the image {digest} is not in "
            f"datacenter {datacenter.name}. Run container_image for it, or compare image strictly."
        )
    return found


def with_planned_images(images: Sequence[Image], planned: Sequence[Image]) -> list[Image]:
    """Return the templates as they are once the planned images are imported, which take over their references."""
    result = list(images)
    for new in planned:
        (reference,) = new.references
        wanted = str(parse_reference(reference))
        result = [
            image
            if image.digest == new.digest
            else replace(image, references=tuple(one for one in image.references if _normal(one) != wanted))
            for image in result
        ]
        same = [image for image in result if (image.digest, image.datastore) == (new.digest, new.datastore)]
        result = [
            replace(image, references=(*image.references, reference)) if image in same else image for image in result
        ]
        if not same:
            result.append(new)
    return result


def image_of_machine(found: Sequence[Image], machine: Machine) -> Image:
    """Return a template of a machine's image, on any datastore: the one it was cloned from, if it exists."""
    return max(found, key=lambda image: (image.disk == machine.disk, image.datastore == machine.datastore, _age(image)))


def image_for_clone(reference: str, found: Sequence[Image], datastore: Entry | None, machine: Machine | None) -> Image:
    """Return the template to clone: on the given datastore, else on that of the machine to replace."""
    names = sorted({image.datastore.name for image in found})
    if datastore is not None:
        found = [image for image in found if image.datastore == datastore]
        if not found:
            raise GantryError(
                f"image {reference!r} is in the datastore {', '.join(names)} and not in {datastore.name}, and a "
                f"container's disk is on the datastore of its image. Run container_image with datastore: "
                f"{datastore.name} first."
            )
    elif len(names) > 1:
        found = [image for image in found if machine is not None and image.datastore == machine.datastore]
        if not found:
            raise GantryError(
                f"image {reference!r} is in the datastores {', '.join(names)}. Select one with datastore."
            )
    return max(found, key=lambda image: (image.usable, _age(image)))


def _age(image: Image) -> tuple[int, str]:
    """Return a sort key: later conversions of an image have higher MoIDs."""
    return len(image.moid), image.moid


def _refers(image: Image, wanted: str) -> bool:
    return any(_normal(reference) == wanted for reference in image.references)


def _normal(reference: str) -> str:
    try:
        return str(parse_reference(reference))
    except GantryError:
        # The template's list was edited manually.
        return reference


def _no_image(reference: str, images: Sequence[Image], datacenter: Entry) -> GantryError:
    known = sorted({name for image in images for name in image.references})
    if parse_reference(reference).digest is not None:
        # Only templates whose names have this digest were read.
        there = "no image there has this digest"
    elif known:
        there = f"the images there are: {listed(known)}"
    else:
        there = "the images there have no reference" if images else "there is no image yet"
    return GantryError(
        f"image {reference!r} is not in datacenter {datacenter.name}; {there}. Run container_image for it first.",
        details={"images": known},
    )


def image_digest_prefix(reference: str) -> str | None:
    """Return the 12 digits of the digest in a template's name, if the reference has a digest."""
    digest = parse_reference(reference).digest
    return None if digest is None else digest.partition(":")[2][:12]

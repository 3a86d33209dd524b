# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe the containers that a task applies to: a fixed number of requests, whatever the inventory's size.

One read of all names and parents resolves the names in the task; a second one reads the details of only the VMs with a
matching name, and of the image templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import POOL_OF_NETWORK
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._container import resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    IMAGE_PROPERTIES,
    MACHINE_PROPERTIES,
    decode_image,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_addresses import observe_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_bootstrap import observe_bootstraps
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_hosts import observe_hosts
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_names import observe_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_pools import observe_pools
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_templates import observe_templates
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_volumes import observe_named_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_comparisons import IGNORE
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import needs_clone
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_comparisons import (
    compared,
    compared_with,
    kept_digest,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import (
    IMAGE_PREFIX,
    PREDECESSOR_SUFFIX,
    SUCCESSOR_SUFFIX,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import CAPACITY_PROPERTIES
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.decode import HOST_STATE
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# What is read of hosts, networks, datastores and resource pools besides their names.
INVENTORY_PROPERTIES = {
    "HostSystem": HOST_STATE,
    "Network": (POOL_OF_NETWORK,),
    "Datastore": ("summary.url",),
    "ResourcePool": CAPACITY_PROPERTIES,
}


def observe_container(session: Session, wanted: DesiredContainer, *, refresh: bool = False) -> ObservedContainer:
    """Return the observed state of one container."""
    (observed,) = observe_containers(session, [wanted], refresh=refresh)
    return observed


def observe_containers(
    session: Session,
    wanted: Sequence[DesiredContainer],
    *,
    refresh: bool = False,
    planned_images: Sequence[Image] = (),
    planned_volumes: Sequence[NamedVolume] = (),
) -> list[ObservedContainer]:
    """Return the observed state of each container, in their order.

    ``planned_images`` are imported and ``planned_volumes`` created before the containers are, so they count as if they
    were there.
    """
    inventory = session.inventory(vms=True, properties=INVENTORY_PROPERTIES, refresh=refresh)
    names = {name for desired in wanted for name in _vm_names(desired.name)}
    candidates = _by_name(entry for entry in inventory.vms() if entry.name in names)
    templates = _templates(inventory, wanted)
    rows = _read(session, [*_all(candidates), *templates], (*MACHINE_PROPERTIES, *IMAGE_PROPERTIES))
    found = [
        image
        for entry in templates
        if entry.moid in rows and (image := decode_image(inventory, entry, rows[entry.moid])) is not None
    ]
    images = resolve.with_planned_images(found, planned_images)

    def machines(name: str) -> list[Machine]:
        found = [entry for entry in candidates.get(name, ()) if entry.moid in rows]
        return [decode_machine(inventory, entry, rows[entry.moid]) for entry in found]

    observed: list[ObservedContainer] = []
    problems: list[GantryError] = []
    for desired in wanted:
        same, *others = (machines(name) for name in _vm_names(desired.name))
        try:
            observed.append(_observe(inventory, desired, same, others, images))
        except GantryError as error:
            problems.append(error)
    raise_all(problems)
    wanted = [compared(desired, found) for desired, found in zip(wanted, observed, strict=True)]
    addressed = observe_addresses(session, wanted, observe_pools(inventory, observed))
    mounted = observe_named_volumes(session, inventory, wanted, addressed, planned_volumes)
    placed = observe_hosts(session, inventory, wanted, observe_bootstraps(session, inventory, wanted, mounted))
    placed = observe_names(session, inventory, wanted, placed)
    return observe_templates(session, inventory, wanted, placed)


def _observe(
    inventory: Inventory,
    desired: DesiredContainer,
    machines: Sequence[Machine],
    others: Sequence[Sequence[Machine]],
    images: Sequence[Image],
) -> ObservedContainer:
    wanted = desired.placement
    datacenter = resolve.find_datacenter(inventory, wanted.datacenter)
    folder = resolve.find_folder(inventory, wanted.folder, datacenter)
    machine = resolve.choose_machine(desired.name, machines, datacenter, folder)
    if datacenter is None and machine is not None:
        datacenter = machine.datacenter
    successors, predecessors = others
    observed = ObservedContainer(
        machine=machine,
        successors=resolve.choose_successors(successors, machine, datacenter, folder),
        predecessors=resolve.choose_predecessors(predecessors, machine, datacenter, folder),
    )
    if desired.config is None or desired.state == "absent":
        return observed
    current = observed.current
    datacenter = datacenter or inventory.datacenter()
    # Its networks depend on what is compared; without comparisons a wrong place is reported before a wrong image.
    place = None
    if not desired.comparisons:
        place = resolve.resolve_place(inventory, wanted, desired.config, machine, datacenter)
    digest = kept_digest(desired, current)
    if digest is None:
        found = resolve.matching_images(desired.config.image, images, datacenter)
    else:
        found = resolve.images_with(digest, images, datacenter, desired.name)
    desired = compared_with(desired, current, found[0].digest)
    if desired.config is None:
        raise ValueError("the configuration is lost by its comparison")
    if place is None:
        place = resolve.resolve_place(inventory, wanted, desired.config, machine, datacenter)
    observed = replace(observed, place=place, image_datastores=frozenset(image.datastore.moid for image in found))
    if current is not None and not needs_clone(desired, replace(observed, image=found[0])):
        return replace(observed, image=resolve.image_of_machine(found, current))
    image = resolve.image_for_clone(desired.config.image, found, place.datastore, current)
    return replace(observed, image=image, place=resolve.complete_place(inventory, place, machine, image))


def _vm_names(container: str) -> tuple[str, str, str]:
    """Return the names of the VMs that a container can have: its own, of its successor and of its predecessor."""
    return container, container + SUCCESSOR_SUFFIX, container + PREDECESSOR_SUFFIX


def _by_name(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.name, []).append(entry)
    return found


def _templates(inventory: Inventory, wanted: Sequence[DesiredContainer]) -> list[Entry]:
    """Return the templates that may hold a requested image: by the digest in their name if it is known."""
    configured = [one for one in wanted if one.config is not None and one.state != "absent"]
    if not configured:
        return []
    digests = {
        # The digest of an image that a container keeps is in the record of its VM, which is read with the templates.
        None if one.comparisons.get("image") == IGNORE else resolve.image_digest_prefix(one.config.image)
        for one in configured
        if one.config is not None
    }
    prefixes = (IMAGE_PREFIX,) if None in digests else tuple(f"{IMAGE_PREFIX}{digest}-" for digest in digests)
    return [entry for entry in inventory.vms() if entry.name.startswith(prefixes)]


def _read(session: Session, entries: Sequence[Entry], properties: Sequence[str]) -> dict[str, Any]:
    if not entries:
        return {}
    refs = list({entry.moid: entry.ref for entry in entries}.values())
    return {row.moid: row for row in session.read(refs, list(dict.fromkeys(properties)))}


def _all(candidates: Mapping[str, Sequence[Entry]]) -> list[Entry]:
    return [entry for entries in candidates.values() for entry in entries]

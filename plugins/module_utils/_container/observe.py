# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is of the containers that a task is about: a fixed number of requests, whatever the inventory's size.

One read of all names and parents says which objects the task's names mean; a second one reads the details of just
the few VMs that have a name in question, and of the image templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container import placement
from ansible_collections.gantry.vsphere.plugins.module_utils._container.bootstrap import find_bootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import (
    IMAGE_PROPERTIES,
    LOG_PROPERTY,
    MACHINE_PROPERTIES,
    decode_image,
    decode_machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import IMAGE_PREFIX, SUCCESSOR_SUFFIX
from ansible_collections.gantry.vsphere.plugins.module_utils._container.inventory import (
    VIRTUAL_MACHINE,
    Inventory,
    Node,
    from_vcenter_name,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Image, Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.planning import needs_clone
from ansible_collections.gantry.vsphere.plugins.module_utils._container.spec import DesiredContainer

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def read_inventory(session: Session) -> Inventory:
    """The names and parents of everything: three requests."""
    return Inventory(
        Node(
            moid=row.moid,
            type=type(row.ref).__name__.rpartition(".")[2],
            name=from_vcenter_name(row["name"]),
            parent=None if (parent := row.get("parent")) is None else str(parent._moId),
        )
        for row in session.read_all("ManagedEntity", ["name", "parent"])
        if "name" in row
    )


def observe_containers(session: Session, wanted: Sequence[DesiredContainer]) -> list[ObservedContainer]:
    """What there is of each, in their order."""
    inventory = read_inventory(session)
    candidates = _candidates(inventory, wanted)
    templates = _templates(inventory, wanted)
    rows = _read(session, [*_all(candidates), *templates], (*MACHINE_PROPERTIES, *IMAGE_PROPERTIES))
    images = [
        image
        for node in templates
        if node.moid in rows and (image := decode_image(inventory, node, rows[node.moid])) is not None
    ]
    observed = []
    for desired in wanted:
        machines = {
            name: [decode_machine(inventory, node, rows[node.moid]) for node in candidates[name] if node.moid in rows]
            for name in (desired.name, desired.name + SUCCESSOR_SUFFIX)
        }
        observed.append(_observe(inventory, desired, machines, images))
    return _with_bootstraps(session, wanted, observed)


def read_machines(session: Session, inventory: Inventory, nodes: Sequence[Node], *, logs: bool) -> list[Machine]:
    """The details of these VMs; those that are gone meanwhile are left out."""
    rows = _read(session, nodes, (*MACHINE_PROPERTIES, LOG_PROPERTY) if logs else MACHINE_PROPERTIES)
    return [decode_machine(inventory, node, rows[node.moid]) for node in nodes if node.moid in rows]


def _observe(
    inventory: Inventory,
    desired: DesiredContainer,
    machines: Mapping[str, Sequence[Machine]],
    images: Sequence[Image],
) -> ObservedContainer:
    wanted = desired.placement
    datacenter = placement.find_datacenter(inventory, wanted.datacenter)
    folder = placement.find_folder(inventory, wanted.folder, datacenter)
    machine = placement.choose_machine(desired.name, machines[desired.name], datacenter, folder)
    if datacenter is None and machine is not None:
        datacenter = machine.datacenter
    successors = placement.choose_successors(
        machines[desired.name + SUCCESSOR_SUFFIX], machine, datacenter, folder
    )
    observed = ObservedContainer(machine=machine, successors=successors)
    if desired.config is None or desired.state == "absent":
        return observed
    place = placement.resolve_place(inventory, wanted, desired.config, datacenter)
    image = placement.choose_image(desired.config.image, images, machine, place.datacenter, place.datastore)
    observed = replace(observed, place=replace(place, bootstrap=wanted.bootstrap), image=image)
    if needs_clone(desired, observed):
        complete = placement.complete_place(inventory, place, machine, image)
        observed = replace(observed, place=replace(complete, bootstrap=wanted.bootstrap))
    return observed


def _candidates(inventory: Inventory, wanted: Iterable[DesiredContainer]) -> dict[str, list[Node]]:
    names = [name for desired in wanted for name in (desired.name, desired.name + SUCCESSOR_SUFFIX)]
    return {name: inventory.named(name, VIRTUAL_MACHINE) for name in names}


def _templates(inventory: Inventory, wanted: Sequence[DesiredContainer]) -> list[Node]:
    """The templates that may hold an image in question: by the digest in their name where that is known."""
    configs = [desired.config for desired in wanted if desired.config is not None and desired.state != "absent"]
    if not configs:
        return []
    digests = {placement.image_digest_prefix(config.image) for config in configs}
    prefixes = [IMAGE_PREFIX] if None in digests else [f"{IMAGE_PREFIX}{digest}-" for digest in digests]
    return [node for node in inventory.of_type(VIRTUAL_MACHINE) if node.name.startswith(tuple(prefixes))]


def _with_bootstraps(
    session: Session, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """The newest ISO of each datastore that a new VM goes to; nothing is searched where no VM is created."""
    found: dict[str, str] = {}
    result = []
    for desired, one in zip(wanted, observed, strict=True):
        place = one.place
        if place is None or place.datastore is None or place.bootstrap is not None or not needs_clone(desired, one):
            result.append(one)
            continue
        if place.datastore.moid not in found:
            found[place.datastore.moid] = find_bootstrap(session, place.datastore)
        result.append(replace(one, place=replace(place, bootstrap=found[place.datastore.moid])))
    return result


def _read(session: Session, nodes: Sequence[Node], properties: Sequence[str]) -> dict[str, Any]:
    if not nodes:
        return {}
    refs = [session.ref("VirtualMachine", node.moid) for node in {node.moid: node for node in nodes}.values()]
    return {row.moid: row for row in session.read(refs, list(dict.fromkeys(properties)))}


def _all(candidates: Mapping[str, Sequence[Node]]) -> list[Node]:
    return [node for nodes in candidates.values() for node in nodes]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the volumes that containers name: one read of the catalog for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import lost_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import Volume, refuse_same_names
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.observe import read_used_volumes

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_named_volumes(
    session: Session,
    inventory: Inventory,
    wanted: Sequence[DesiredContainer],
    observed: Sequence[ObservedContainer],
    planned: Sequence[NamedVolume] = (),
) -> list[ObservedContainer]:
    """Add the volumes to the place of each container. Raise GantryError for those that do not exist or are shared.

    ``planned`` are created before the containers, so they count as if they were there.
    """
    observed = _with_lost(session, inventory, wanted, observed)
    pairs = list(zip(wanted, observed, strict=True))
    names = {name for desired, seen in pairs for name in _names(desired, seen)}
    if not names:
        return list(observed)
    attached = {(name, one) for desired, seen in pairs for name in _names(desired, seen) for one in _attached(seen)}
    found = read_used_volumes(
        session,
        inventory,
        lambda volume: volume.name in names,
        names,
        asks=lambda volume: (volume.name, volume.id) not in attached,
    )
    problems = _shared(pairs)
    named = [*planned, *(_named(inventory, volume) for volume in found)]
    result = [_with_volumes(desired, seen, named, problems) for desired, seen in pairs]
    raise_all(problems)
    return result


def _with_lost(
    session: Session, inventory: Inventory, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """Add the volumes that were detached from a container whose task gives no configuration, only a state."""
    lost = [_lost(desired, seen) for desired, seen in zip(wanted, observed, strict=True)]
    ids = frozenset().union(*lost)
    if not ids:
        return list(observed)
    found = read_used_volumes(session, inventory, lambda volume: volume.id in ids, None)
    return [
        replace(seen, lost_volumes=tuple(_named(inventory, volume) for volume in found if volume.id in own))
        for seen, own in zip(observed, lost, strict=True)
    ]


def _lost(desired: DesiredContainer, seen: ObservedContainer) -> frozenset[str]:
    machine = seen.current
    if machine is None or not machine.ours or desired.config is not None or desired.state in ("absent", "stopped"):
        return frozenset()
    return frozenset(lost_volumes(machine))


def _names(desired: DesiredContainer, seen: ObservedContainer) -> tuple[str, ...]:
    if desired.config is None or seen.place is None:
        return ()
    return tuple(option.source for option in desired.config.volumes)


def _attached(seen: ObservedContainer) -> Iterator[str]:
    for machine in seen.machines:
        yield from (one.id for one in machine.volumes)


def _shared(pairs: Sequence[tuple[DesiredContainer, ObservedContainer]]) -> list[GantryError]:
    """Return a problem for each volume that several containers name."""
    users: dict[tuple[str, str], list[str]] = {}
    for desired, seen in pairs:
        for name in _names(desired, seen):
            datacenter = "" if seen.place is None else seen.place.datacenter.moid
            users.setdefault((datacenter, name), []).append(desired.name)
    return [
        GantryError(
            f"The volume {name} is given for the containers {listed(sorted(names))}, and one VM only can use a volume. "
            "Give each container a volume of its own."
        )
        for (_datacenter, name), names in sorted(users.items())
        if len(names) > 1
    ]


def _with_volumes(
    desired: DesiredContainer, seen: ObservedContainer, found: Sequence[NamedVolume], problems: list[GantryError]
) -> ObservedContainer:
    names, place = _names(desired, seen), seen.place
    if place is None or not names:
        return seen
    try:
        volumes = tuple(_find(desired.name, name, place.datacenter, found) for name in names)
    except GantryError as error:
        problems.append(error)
        return seen
    return replace(seen, place=replace(place, volumes=volumes))


def _find(container: str, name: str, datacenter: Entry, found: Sequence[NamedVolume]) -> NamedVolume:
    same = [volume for volume in found if volume.name == name and volume.datastore.datacenter == datacenter.moid]
    refuse_same_names(name, [volume.id for volume in same], datacenter.path)
    if not same:
        raise GantryError(
            f"Container {container} mounts the volume {name}, and there is no volume of this name in datacenter "
            f"{datacenter.name}. Create it with container_volume, or correct volumes or mounts."
        )
    return same[0]


def _named(inventory: Inventory, volume: Volume) -> NamedVolume:
    return NamedVolume(
        name=volume.name,
        id=str(volume.id),
        datastore=volume.datastore,
        users={user: _path(inventory, user) for user in volume.users},
        origins=volume.origins,
        detached=volume.detached is not None,
        filesystem=volume.filesystem,
    )


def _path(inventory: Inventory, moid: str) -> str:
    entry = inventory.entry(moid)
    return moid if entry is None else entry.path

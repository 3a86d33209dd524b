# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container VM as it should be, computed from what is desired and what is there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import build_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    Adapter,
    Config,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
    Place,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER, KIND_SUCCESSOR

# A machine that a plan creates has no MoID and no id yet.
NEW = "(new)"

# What of a machine can be set while it runs, and what only takes effect at its next start.
LIVE = ("config", "config_hash", "container_id", "digest", "disk", "image", "labels", "notes")
OFFLINE = ("spec", "memory_mb", "cpus", "adapters", "bootstrap", "scratch_bytes")


def differing(machine: Machine, target: Machine, aspects: tuple[str, ...]) -> list[str]:
    return [aspect for aspect in aspects if getattr(machine, aspect) != getattr(target, aspect)]


def expected_macs(config: Config, adapters: tuple[Adapter, ...]) -> tuple[str | None, ...]:
    """What the spec says about each adapter's MAC. One adapter is found without; of several, each is named."""
    if len(config.networks) == 1:
        return (config.networks[0].mac,)
    return tuple(network.mac or adapter.mac for network, adapter in zip(config.networks, adapters, strict=True))


def target_machine(desired: DesiredContainer, config: Config, machine: Machine, image: Image, place: Place) -> Machine:
    """The machine after all that can be changed about it in place has been changed."""
    adapters = _target_adapters(config, machine.adapters, place)
    disk = machine.disk or _image_part(machine, "disk") or image.disk
    document = config.document()
    return replace(
        machine,
        container_id=known_id(machine) or NEW,
        digest=known_digest(machine) or image.digest,
        image=config.image,
        labels=dict(config.labels),
        config=document,
        config_hash=config.hash(),
        disk=disk,
        spec=build_spec(
            desired.name,
            config,
            image.config,
            container_id=known_id(machine) or NEW,
            digest=image.digest,
            disk=disk,
            macs=expected_macs(config, adapters),
        ),
        memory_mb=config.memory_mb,
        cpus=config.cpus,
        notes=machine.notes if desired.notes is None else desired.notes,
        adapters=adapters,
        # A disk that is missing is made; one of another size is kept, since what the container wrote is on it.
        scratch_bytes=config.scratch_bytes if machine.scratch_bytes is None else machine.scratch_bytes,
        # An ISO that was not asked for stays: a new kernel is not a reason to restart every container.
        bootstrap=machine.bootstrap if desired.placement.bootstrap is None else place.bootstrap,
    )


def new_machine(desired: DesiredContainer, config: Config, name: str, image: Image, place: Place) -> Machine:
    """The machine that a clone is to be."""
    successor = name != desired.name
    folder_path = "" if place.folder is None else place.folder.path
    blank = Machine(
        moid=NEW,
        name=name,
        path=f"{folder_path}/{name}",
        kind=KIND_SUCCESSOR if successor else KIND_CONTAINER,
        container_id=NEW,
        digest=image.digest,
        disk=image.disk,
        scratch_bytes=config.scratch_bytes,
        datacenter=place.datacenter,
        folder=place.folder,
        pool=place.pool,
        cluster=place.cluster,
        datastore=place.datastore,
        bootstrap=place.bootstrap,
    )
    return target_machine(desired, config, blank, image, place)


def _target_adapters(config: Config, existing: tuple[Adapter, ...], place: Place) -> tuple[Adapter, ...]:
    """One adapter for each network. Those that are there keep their key and, unless another is asked for, their MAC."""
    adapters = []
    for index, (network, node) in enumerate(zip(config.networks, place.networks, strict=True)):
        there = existing[index] if index < len(existing) else Adapter(key=0, network="", mac=None)
        adapters.append(
            replace(there, network=node.moid, mac=network.mac or there.mac, network_name=node.name),
        )
    return tuple(adapters)


def needs_clone(desired: DesiredContainer, machine: Machine | None, digest: str) -> bool:
    """Whether the plan will create a VM, so that a complete place for it has to be found."""
    if desired.state == "absent" or desired.config is None:
        return False
    if machine is None:
        return True
    return machine.ours and bool(replace_reason(desired, desired.config, machine, digest))


def creates_vm(desired: DesiredContainer, observed: ObservedContainer) -> bool:
    """Return whether the plan for what was observed will create a VM; before its image is known, no."""
    current = observed.machine or next(iter(observed.successors), None)
    return observed.image is not None and needs_clone(desired, current, observed.image.digest)


def replace_reason(desired: DesiredContainer, config: Config, machine: Machine, digest: str) -> str:
    """Why this machine cannot be changed in place, or an empty string.

    A replacement loses the writable layer, so only what the user asks for is a reason: never where the machine is, and
    never what others changed of it.
    """
    if desired.recreate:
        return "recreate"
    if known_id(machine) is None:
        return "its id is lost"
    if known_digest(machine) not in (None, digest):
        return "another image"
    if _asks_for_another_layer(config, machine):
        return "another writable layer"
    return ""


def known_id(machine: Machine) -> str | None:
    """The container's id: from its own key or, where that was removed, from the guest document."""
    return machine.container_id or _text((machine.spec or {}).get("id"))


def known_digest(machine: Machine) -> str | None:
    """The image's digest: from its own key or, where that was removed, from the guest document."""
    return machine.digest or _image_part(machine, "digest")


def _image_part(machine: Machine, key: str) -> str | None:
    image = (machine.spec or {}).get("image")
    return _text(image.get(key)) if isinstance(image, dict) else None


def _asks_for_another_layer(config: Config, machine: Machine) -> bool:
    """Whether the task's configuration, and not somebody's change of the disk, differs from the machine's layer."""
    if machine.scratch_bytes is None or machine.scratch_bytes == config.scratch_bytes or machine.config is None:
        return False
    return scratch_bytes_of(machine.config) != config.scratch_bytes


def scratch_bytes_of(document: Mapping[str, Any]) -> int | None:
    """The size of the scratch disk by a recorded configuration."""
    if document.get("writable") != "disk" or document.get("read_only"):
        return None
    size = document.get("scratch_size")
    return size if isinstance(size, int) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

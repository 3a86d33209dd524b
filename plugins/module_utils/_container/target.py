# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute a container VM's target state from the desired and the observed state. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import encode_guest_document
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    BOOT_ORDER,
    NEW,
    OFF,
    ON,
    SUSPENDED,
    ContainerAdapter,
    ContainerPlace,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import (
    Config,
    scratch_bytes_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED, OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import LIVE as LIVE_OPTION
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import CPU, MEMORY
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_allocation import target_allocation
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_files import (
    replacing_signals,
    target_announcement,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_hot_add import (
    added_while_running,
    target_hot_add,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_names import target_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_revision import (
    followed_while_running,
    with_revision,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import (
    guest_volumes,
    missing_volumes,
    surplus_volumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER, KIND_SUCCESSOR
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import check_fits

# The fields of a machine that can be changed while it runs, and those that only take effect at its next start.
LIVE = (
    "allocation",
    "config",
    "config_hash",
    "container_id",
    "digest",
    "disk",
    "hot_add",
    "image",
    "labels",
    "names",
    "notes",
    "adapters_connected",
    "bootstrap_connected",
    "bootstrap_missing",
    "boot_order",
    "start_pending",
)
OFFLINE = (
    "document",
    "document_lost",
    "memory_mb",
    "cpus",
    "adapters",
    "bootstrap",
    "scratch_bytes",
    "firmware",
    "secure_boot",
    "disk_uuid",
)
# The boot media: a VM that booted without it has nothing to run.
BOOT = ("bootstrap", "bootstrap_connected", "bootstrap_missing", "boot_order", "firmware", "secure_boot")

# What a diff shows that changes while the VM runs. Ports that are redirected to others are in the guest document.
_LIVE_VIEWS = (
    *(option.name for option in OPTIONS if option.effect == LIVE_OPTION and option.name != "published_ports"),
    *("boot_order", "bootstrap_connected", "bootstrap_missing", "image", "image_digest", "notes", "start_pending"),
)
_VIEW_OF_SIZE = {"cpus": "cpus", "memory_mb": "memory"}
# Why a VM is replaced, and the options that say so.
_RECREATE, _OTHER_IMAGE, _OTHER_LAYER = "recreate", "another image", "another writable layer"
_CAUSES = {_RECREATE: ("recreate",), _OTHER_IMAGE: ("image",)}
# The options that decide whether there is a scratch disk. With a read-only root, it is there for files only.
_DISK_OPTIONS = ("read_only", "writable")


def differing(machine: Machine, target: Machine, aspects: tuple[str, ...]) -> list[str]:
    return [aspect for aspect in aspects if getattr(machine, aspect) != getattr(target, aspect)]


def restart_aspects(machine: Machine, target: Machine) -> list[str]:
    """Return what differs and cannot be changed while the VM runs."""
    live = added_while_running(machine, target) | followed_while_running(machine, target)
    return [aspect for aspect in differing(machine, target, OFFLINE) if aspect not in live]


def expected_macs(config: Config, adapters: tuple[ContainerAdapter, ...]) -> tuple[str | None, ...]:
    """Return each adapter's MAC for the guest document. A single adapter needs none; several are identified by it."""
    if len(config.networks) == 1:
        return (config.networks[0].mac,)
    return tuple(network.mac or adapter.mac for network, adapter in zip(config.networks, adapters, strict=True))


def target_machine(
    desired: DesiredContainer, config: Config, machine: Machine, image: Image, place: ContainerPlace
) -> Machine:
    """Return the machine after all changes that are possible in place."""
    adapters = _target_adapters(config, machine.adapters, place)
    disk = machine.disk or _image_part(machine, "disk") or image.disk
    document = config.document()
    check_fits(
        canonical_json(document), f"The task of container {desired.name}", "Shorten env, labels, command or etc_hosts."
    )
    guest_document = encode_guest_document(
        desired.name,
        config,
        image.config,
        container_id=known_id(machine) or NEW,
        digest=image.digest,
        disk=disk,
        macs=expected_macs(config, adapters),
        addresses=place.addresses,
        guest_operations=_guest_operations(desired, machine),
        volumes=guest_volumes(machine, config, place),
        files=target_announcement(desired, machine),
    )
    target = replace(
        machine,
        container_id=known_id(machine) or NEW,
        digest=known_digest(machine) or image.digest,
        image=config.image,
        labels=dict(config.labels),
        config=document,
        config_hash=config.hash(),
        disk=disk,
        document=with_revision(machine, guest_document, replacing_signals(desired, machine)),
        names=target_names(desired.name, config, place, guest_document),
        memory_mb=config.memory_mb,
        cpus=config.cpus,
        hot_add=target_hot_add(config, machine),
        allocation=target_allocation(
            config.values, machine.config or {}, machine.allocation, {CPU: config.cpus, MEMORY: config.memory_mb}
        ),
        notes=machine.notes if desired.notes is None else desired.notes,
        adapters=adapters,
        # A missing disk is created; one with another size is kept, since it has the container's data.
        scratch_bytes=config.scratch_bytes if machine.scratch_bytes is None else machine.scratch_bytes,
        # Without a requested ISO the current one stays: a new kernel is not a reason to restart every container.
        bootstrap=machine.bootstrap if desired.placement.bootstrap is None else place.bootstrap,
        bootstrap_missing=machine.bootstrap_missing and desired.placement.bootstrap in (None, machine.bootstrap),
    )
    return _keep(desired.kept, machine, target)


def _keep(kept: frozenset[str], machine: Machine, target: Machine) -> Machine:
    """Return the target with the sizes that the VM has now, if their options are not compared."""
    return replace(
        target,
        memory_mb=machine.memory_mb if "memory" in kept else target.memory_mb,
        cpus=machine.cpus if "cpus" in kept else target.cpus,
        allocation={
            name: machine.allocation[name] if name in kept else value for name, value in target.allocation.items()
        },
        labels=machine.labels if "labels" in kept else target.labels,
    )


def repaired_machine(machine: Machine, *, firmware: str | None, spare_bootstrap: str | None) -> Machine:
    """Return the machine with everything that it needs to start again.

    Whatever cannot be changed while the VM runs is left until it is off.
    """
    if machine.power == SUSPENDED:
        return machine
    lost = machine.bootstrap is None or machine.bootstrap_missing
    replaced = lost and spare_bootstrap is not None
    repaired = replace(
        machine,
        adapters=tuple(replace(adapter, connected=True) for adapter in machine.adapters),
        bootstrap=spare_bootstrap if replaced else machine.bootstrap,
        bootstrap_missing=machine.bootstrap_missing and not replaced,
        bootstrap_connected=True,
        boot_order=machine.boot_order if machine.boot_order[:1] == BOOT_ORDER else BOOT_ORDER,
    )
    if machine.power != OFF:
        return repaired
    return replace(
        repaired,
        firmware=firmware or machine.firmware,
        secure_boot=False,
        disk_uuid=True,
        document_lost=machine.document_lost and machine.document is None,
    )


def will_start(desired: DesiredContainer, observed: ObservedContainer) -> bool:
    """Return whether the plan will start an existing VM, apart from a restart because of its bootstrap ISO."""
    machine, config = observed.machine, desired.config
    if machine is None or not machine.ours or desired.state in ("absent", "stopped") or machine.power == SUSPENDED:
        return False
    if desired.restart or (machine.start_pending and not machine.is_up):
        return True
    starts = desired.wants_running and not (desired.state == COMPLETED and machine.has_completed)
    if starts and (machine.power != ON or not machine.has_reported or machine.has_ended):
        return True
    if config is None or observed.image is None or observed.place is None or not machine.running:
        return False
    if missing_volumes(machine, observed.place) or surplus_volumes(machine, observed.place):
        return True
    return bool(restart_aspects(machine, target_machine(desired, config, machine, observed.image, observed.place)))


def new_machine(desired: DesiredContainer, config: Config, name: str, image: Image, place: ContainerPlace) -> Machine:
    """Return the target state of a clone."""
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
        firmware=image.firmware,
        datacenter=place.datacenter,
        folder=place.folder,
        pool=place.pool,
        cluster=place.cluster,
        datastore=place.datastore,
        bootstrap=place.bootstrap,
    )
    return target_machine(desired, config, blank, image, place)


def _guest_operations(desired: DesiredContainer, machine: Machine) -> dict[str, str] | None:
    """Return what permits guest operations; without the option the machine keeps what it has."""
    if desired.guest_operations is None:
        return machine.guest_operations
    if not desired.guest_operations or desired.guest_key is None:
        return None
    return desired.guest_key.guest_field(known_id(machine) or NEW)


def for_successor(desired: DesiredContainer, machine: Machine) -> DesiredContainer:
    """Return the desired state of the VM that replaces a machine: guest operations stay permitted.

    The successor has another id, and with it another secret.
    """
    if desired.guest_operations is not None or machine.guest_operations is None:
        return desired
    if desired.guest_key is None:
        raise GantryError(
            f"Container {desired.name} must be replaced, its guest operations are enabled, and there is no guest_key, "
            "from which the secret of the new container is derived. Give guest_key, or set the environment variable "
            "GANTRY_GUEST_KEY, or disable them with guest_operations: false."
        )
    return replace(desired, guest_operations=True)


def _target_adapters(
    config: Config, existing: tuple[ContainerAdapter, ...], place: ContainerPlace
) -> tuple[ContainerAdapter, ...]:
    """Return an adapter for each network. Existing ones keep their key and, unless another is given, their MAC."""
    adapters = []
    for index, (network, node) in enumerate(zip(config.networks, place.networks, strict=True)):
        there = existing[index] if index < len(existing) else ContainerAdapter(key=0, network="", mac=None)
        adapters.append(
            replace(there, network=node.moid, mac=network.mac or there.mac, network_name=node.name),
        )
    return tuple(adapters)


def needs_clone(desired: DesiredContainer, observed: ObservedContainer) -> bool:
    """Return whether the plan will create a VM, which requires a complete place."""
    if desired.state == "absent" or desired.config is None or observed.image is None:
        return False
    machine = observed.current
    if machine is None:
        return True
    return machine.ours and bool(replace_reason(desired, desired.config, machine, observed.image.digest))


def replace_reason(desired: DesiredContainer, config: Config, machine: Machine, digest: str | None) -> str:
    """Return why this machine cannot be changed in place, or an empty string.

    A replacement loses the writable layer, so only options of the task are a reason: never the machine's placement, and
    never changes by other clients.
    """
    if desired.recreate:
        return _RECREATE
    if known_id(machine) is None:
        return "its id is lost"
    if known_digest(machine) not in (None, digest):
        return _OTHER_IMAGE
    if _asks_for_another_layer(config, machine):
        return _OTHER_LAYER
    return ""


def replace_causes(config: Config, machine: Machine, reason: str) -> tuple[str, ...]:
    """Return the options of the task that are the reason for a replacement; none if the machine's id is lost."""
    if reason == _OTHER_LAYER:
        recorded, document = machine.config or {}, config.document()
        deciding = (*_DISK_OPTIONS, *(FILE_OPTIONS if config.values["read_only"] else ()))
        return tuple(name for name in deciding if recorded.get(name) != document[name]) or ("scratch_size",)
    return _CAUSES.get(reason, ())


def restart_causes(machine: Machine, target: Machine, changed: Iterable[str]) -> tuple[str, ...]:
    """Return those of the changed options because of which the machine has to be restarted to become the target."""
    live = set(_LIVE_VIEWS) | {_VIEW_OF_SIZE[aspect] for aspect in added_while_running(machine, target)}
    if (machine.document or {}).get("redirects") == (target.document or {}).get("redirects"):
        live.add("published_ports")
    names = sorted(changed)
    # A VM that has booted without its boot media is restarted because of a setting that does not require it otherwise.
    return tuple(name for name in names if name not in live) or tuple(names)


def known_id(machine: Machine) -> str | None:
    """Return the container's id: from its own key or, if that was removed, from the guest document."""
    return machine.container_id or _text((machine.document or {}).get("id"))


def known_digest(machine: Machine) -> str | None:
    """Return the image's digest: from its own key or, if that was removed, from the guest document."""
    return machine.digest or _image_part(machine, "digest")


def _image_part(machine: Machine, key: str) -> str | None:
    image = (machine.document or {}).get("image")
    return _text(image.get(key)) if isinstance(image, dict) else None


def _asks_for_another_layer(config: Config, machine: Machine) -> bool:
    """Return whether the task's scratch size has changed, as opposed to a change of the disk by another client."""
    if machine.scratch_bytes is None or machine.scratch_bytes == config.scratch_bytes or machine.config is None:
        return False
    return scratch_bytes_of(machine.config) != config.scratch_bytes


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what prevents a VM from moving to a host or from being created there: blockers, each with its remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement import evc
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hardware import runs_hardware
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import HostFacts, PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget

_DEVICE_REMEDIES = {
    "bootstrap_not_shared": (
        "The container cannot start without it. Upload the ISO with bootstrap_image to a datastore that the host sees, "
        "and name it with bootstrap in container_vm, which restarts the container; or choose another host."
    ),
    "cd_attached": "Disconnect the drive, or put the medium on a datastore that both hosts see.",
    "serial_connected": "Disconnect or remove the serial port; the logs of containers need none.",
    "passthrough": "Remove the device, or power the VM off and move it cold.",
}


@dataclass(frozen=True)
class Blocker:
    """One reason why a VM cannot be on a host, or why a host cannot be evacuated."""

    vm: str | None  # its path; None if it concerns a host as a whole
    code: str
    message: str
    remedy: str
    host: str | None = None

    def as_result(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.vm or self.host}: {self.message} {self.remedy}"


def blockers_report(blockers: Sequence[Blocker]) -> list[dict[str, Any]]:
    """Return the blockers as tasks report them."""
    return [blocker.as_result() for blocker in blockers]


def summary(blockers: Sequence[Blocker], listed: int = 10) -> str:
    """Return the blockers in one text."""
    more = len(blockers) - listed
    texts = [str(blocker) for blocker in blockers[:listed]]
    return " ".join([*texts, f"And {more} more: see blockers."] if more > 0 else texts)


def state_blockers(vm: VmFacts, mode: str) -> Iterator[Blocker]:
    """Find what prevents any move of the VM."""
    if vm.connection != "connected":
        yield Blocker(
            vm.path, "vm_state", f"the VM is {vm.connection}.", "Make its host and its datastore reachable again."
        )
    if mode == "live" and not vm.is_on:
        yield Blocker(
            vm.path, "vm_state", f"the VM is {vm.power}, so it cannot move live.", "Power it on, or set mode to any."
        )
    if mode == "cold" and vm.is_on:
        yield Blocker(
            vm.path, "vm_state", "the VM is on, so it cannot move cold.", "Shut it down first, or set mode to any."
        )


def blockers_of(
    vm: VmFacts, target: MoveTarget, mode: str, view: PlacementView, origin: PlacementView | None = None
) -> list[Blocker]:
    """Find all blockers of a move. ``view`` is its destination; ``origin`` is the VM's vCenter, if different."""
    found = list(state_blockers(vm, mode))
    host = view.hosts.get(target.host or "") if origin is not None or target.host else view.hosts.get(vm.host or "")
    if host is not None:
        found.extend(host_blockers(vm, host, target, view, origin or view))
    if vm.snapshots and target.splits_disks:
        found.append(
            Blocker(
                vm.path,
                "snapshot",
                "the VM has snapshots, so its disks cannot be placed individually.",
                "Remove the snapshots, or give one datastore for all disks.",
            )
        )
    found.extend(_linked_disks(vm, target))
    return found


def _linked_disks(vm: VmFacts, target: MoveTarget) -> Iterator[Blocker]:
    """Find disks whose provisioning cannot change, because vCenter copies them and their parents as they are."""
    for disk in vm.disks:
        wanted = target.disks[disk.key].provisioning if disk.key in target.disks else None
        if disk.linked and wanted not in (None, disk.provisioning):
            yield Blocker(
                vm.path,
                "linked_clone",
                f"{disk.label} has a parent disk, as those of containers and linked clones, so its provisioning cannot "
                f"become {wanted}.",
                "Leave out provisioning for this disk.",
            )


def host_blockers(
    vm: VmFacts, host: HostFacts, target: MoveTarget, view: PlacementView, origin: PlacementView
) -> Iterator[Blocker]:
    """Find what prevents the VM from being on the host once it has its target's datastores and networks."""
    moves = host.moid != vm.host or origin is not view
    if moves:
        yield from _host_state(vm, host, view)
        yield from _rules(vm, host, view)
        yield from _hardware(vm, host)
    yield from _datastores(vm, host, target, view, origin)
    if moves:
        yield from _devices(vm, host, view, origin)
    if moves and vm.is_on:
        yield from _evc(vm, host, view)
    yield from _networks(vm, host, target, view, origin, moves=moves)


def _host_state(vm: VmFacts, host: HostFacts, view: PlacementView) -> Iterator[Blocker]:
    if host.connection != "connected":
        yield Blocker(
            vm.path,
            "host_disconnected",
            f"host {host.name} is {host.connection}.",
            "Connect the host to vCenter again, or choose another.",
            host.name,
        )
    if host.maintenance:
        yield Blocker(
            vm.path,
            "host_maintenance",
            f"host {host.name} is in maintenance mode.",
            "Let it leave maintenance mode, or choose another.",
            host.name,
        )
    if vm.is_on and view.is_reserve(host):
        yield Blocker(
            vm.path,
            "host_reserved",
            f"host {host.name} is a failover host, which HA keeps free.",
            "Choose another host, or change the cluster's admission control.",
            host.name,
        )


def _hardware(vm: VmFacts, host: HostFacts) -> Iterator[Blocker]:
    if not runs_hardware(host.release, vm.hardware):
        yield Blocker(
            vm.path,
            "hardware_version",
            f"host {host.name} runs ESXi {host.release}, which does not run virtual hardware {vm.hardware}.",
            "Choose another host, or upgrade this one.",
            host.name,
        )
    if vm.is_on and 0 < host.memory_mb < vm.memory_mb:
        yield Blocker(
            vm.path,
            "capacity",
            f"host {host.name} has {host.memory_mb} MiB of memory, less than the {vm.memory_mb} MiB of the VM.",
            "Choose another host, or lower the memory of the VM.",
            host.name,
        )


def _rules(vm: VmFacts, host: HostFacts, view: PlacementView) -> Iterator[Blocker]:
    cluster = view.clusters.get(host.cluster or "")
    for rule in () if cluster is None else cluster.mandatory:
        if rule.forbids(vm.moid, host.moid):
            must = "must run on other hosts" if rule.affine else "must not run on this host"
            yield Blocker(
                vm.path,
                "mandatory_rule",
                f"rule {rule.name!r} of cluster {cluster.name if cluster else ''} says that it {must} ({host.name}).",
                "Choose a host that the rule allows, or make the rule a preference (a should rule).",
                host.name,
            )


def _datastores(
    vm: VmFacts, host: HostFacts, target: MoveTarget, view: PlacementView, origin: PlacementView
) -> Iterator[Blocker]:
    for moid in target.datastores_after(vm):
        store = view.datastores.get(moid)
        if store is None and origin is not view:
            continue  # already reported when the target was determined
        name = store.name if store else origin.datastore_name(moid)
        if moid not in host.datastores:
            yield Blocker(
                vm.path,
                "datastore_not_shared",
                f"host {host.name} does not see the datastore {name}.",
                "Give a datastore that the host sees, or choose another host.",
                host.name,
            )
        elif store is not None and not (store.accessible and not store.maintenance):
            why = "is not accessible" if not store.accessible else "is in maintenance mode"
            if moid in target.new_datastores(vm):
                yield Blocker(
                    vm.path, "datastore_not_shared", f"the datastore {name} {why}.", "Choose another.", host.name
                )


def _devices(vm: VmFacts, host: HostFacts, view: PlacementView, origin: PlacementView) -> Iterator[Blocker]:
    for device in vm.devices:
        if not (vm.is_on or device.boots):
            continue
        if device.datastore is not None and view.same_datastore(device.datastore, origin) in host.datastores:
            continue
        seen = "" if device.datastore is None else f", and host {host.name} does not see that datastore"
        use = "is what the container boots from" if device.boots else "is connected"
        yield Blocker(vm.path, device.code, f"{device.what} {use}{seen}.", _DEVICE_REMEDIES[device.code], host.name)


def _evc(vm: VmFacts, host: HostFacts, view: PlacementView) -> Iterator[Blocker]:
    cluster = view.clusters.get(host.cluster or "")
    offered = (cluster.evc if cluster is not None else None) or host.evc
    if not evc.runs(vm.evc, offered):
        yield Blocker(
            vm.path,
            "evc",
            f"it runs with the CPU features of {vm.evc}, and host {host.name} offers those of {offered}.",
            "Power it off and move it cold, or raise the cluster's EVC mode.",
            host.name,
        )


def _networks(
    vm: VmFacts, host: HostFacts, target: MoveTarget, view: PlacementView, origin: PlacementView, *, moves: bool
) -> Iterator[Blocker]:
    for adapter in vm.adapters:
        wanted = target.networks.get(adapter.key)
        if wanted is None and origin is not view:
            continue  # already reported when the target was determined
        network = wanted or adapter.network
        if network is None or network in host.networks or not (moves or wanted):
            continue
        yield Blocker(
            vm.path,
            "network_missing",
            f"host {host.name} does not have the network {view.networks.get(network, network)} of {adapter.label}.",
            "Create the port group on the host, or map the network to one that it has with network_mapping.",
            host.name,
        )

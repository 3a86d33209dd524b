# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find datastores without the space for all disks that a task moves to them. Pure.

vCenter checks each VM for itself. How much a disk with parents needs is not known before. Within one vCenter the
parents are copied too, unless vCenter finds a read-only disk of the same content there. Another vCenter may get one
disk with the data of all. So the least is required, and a warning says what may be needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import DiskFacts, PlacementView, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget

_MIB = 1 << 20
# What saves space, within one vCenter or not.
_EXCEPT = {True: "finds the parents of the disks there", False: "merges the disks with their parents"}


@dataclass
class _Arriving:
    """What the VMs so far bring to a datastore. ``possible``: what may be needed, by its origin, each counted once."""

    vms: int = 0
    required: int = 0
    possible: dict[str, int] = field(default_factory=dict)


def find_space(
    vms: Sequence[VmFacts], targets: Mapping[str, MoveTarget], view: PlacementView, origin: PlacementView
) -> tuple[list[Blocker], dict[str, list[str]]]:
    """Return a blocker for each VM that no longer fits, and warnings by MoID if only parents may not fit."""
    arriving: dict[str, _Arriving] = {}
    blockers: list[Blocker] = []
    warnings: dict[str, list[str]] = {}
    for vm in vms:
        for moid in _add(vm, targets[vm.moid], view, origin, arriving):
            store, there = view.datastores[moid], arriving[moid]
            most = there.required + sum(there.possible.values())
            if there.required > store.free_bytes:
                blockers.append(_full(vm, store.name, store.free_bytes, there))
            elif most > store.free_bytes:
                warnings.setdefault(vm.moid, []).append(
                    f"The datastore {store.name} has {_mib(store.free_bytes)} free, and the move needs up to "
                    f"{_mib(most, up=True)}{_together(there)}, unless vCenter {_EXCEPT[origin is view]}."
                )
    return blockers, warnings


def _add(
    vm: VmFacts, target: MoveTarget, view: PlacementView, origin: PlacementView, arriving: dict[str, _Arriving]
) -> list[str]:
    """Add the disks of a VM that are copied, and return the datastores that they are copied to."""
    stores: dict[str, None] = {}
    for disk, wanted in _copied(vm, target, view, origin):
        there = arriving.setdefault(wanted.datastore, _Arriving())
        if wanted.datastore not in stores:
            there.vms += 1
            stores[wanted.datastore] = None
        sizes = [_own_bytes(disk, wanted), *(parent.size for parent in disk.parents)]
        if origin is view:
            there.required += sizes[0]
            there.possible.update((parent.path, parent.size) for parent in disk.parents)
        else:
            there.required += max(sizes)
            there.possible[f"{vm.moid} {disk.key}"] = sum(sizes) - max(sizes)
    return list(stores)


def _copied(
    vm: VmFacts, target: MoveTarget, view: PlacementView, origin: PlacementView
) -> Iterator[tuple[DiskFacts, DiskTarget]]:
    for disk in vm.disks:
        wanted = target.disks.get(disk.key)
        if wanted is None or wanted.datastore not in view.datastores:
            continue
        if wanted.datastore != view.same_datastore(disk.datastore, origin):
            yield disk, wanted


def _own_bytes(disk: DiskFacts, wanted: DiskTarget) -> int:
    """Return the least space that a disk itself takes at its destination."""
    changed = wanted.provisioning not in (None, disk.provisioning)
    if changed and wanted.provisioning == "thin":
        return 0  # it takes what the guest has written, which is not known
    return disk.capacity if changed else disk.file.size if disk.file is not None else 0


def _full(vm: VmFacts, name: str, free: int, there: _Arriving) -> Blocker:
    return Blocker(
        vm.path,
        "capacity",
        f"the datastore {name} has {_mib(free)} free, and {_mib(there.required, up=True)} are "
        f"needed{_together(there)}.",
        "Free space there, or choose another datastore.",
    )


def _together(there: _Arriving) -> str:
    others = there.vms - 1
    return f", with the {others} VMs before it" if others > 1 else ", with the VM before it" if others else ""


def _mib(size: int, *, up: bool = False) -> str:
    return f"{(size + _MIB - 1) // _MIB if up else size // _MIB} MiB"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode a move as a VirtualMachineRelocateSpec, and the request to DRS for its host as a PlacementSpec."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import HostFacts, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import disk_backing, edit_device
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


_SHARING = "moveAllDiskBackingsAndAllowSharing"


def relocate_spec(
    session: Session,
    vm: VmFacts,
    target: MoveTarget,
    devices: Sequence[Any],
    networks: Mapping[str, Any],
    *,
    service: Any = None,
) -> Any:
    """Encode a move.

    ``networks`` are backings by MoID. ``service`` locates another vCenter, to which the target's MoIDs then belong.
    """
    spec = vim.vm.RelocateSpec(service=service)
    if target.host is not None:
        spec.host = session.ref("HostSystem", target.host)
    if target.pool is not None:
        spec.pool = session.ref("ResourcePool", target.pool)
    if target.home is not None:
        spec.datastore = session.ref("Datastore", target.home)
    if target.folder is not None:
        spec.folder = session.ref("Folder", target.folder)
    if target.moves_storage:
        spec.disk = list(_disks(session, vm, target, shares=service is None))
        if target.home is None and vm.home is not None:
            # Without it, vCenter moves the configuration along with the disks.
            spec.datastore = session.ref("Datastore", vm.home)
    spec.deviceChange = [_rewired(device, networks[target.networks[device.key]]) for device in devices
                         if device.key in target.networks]  # fmt: skip
    return spec


def placement_spec(session: Session, vm: VmFacts, target: MoveTarget, relocate: Any, hosts: Sequence[HostFacts]) -> Any:
    """Encode the request to DRS for a host for a move, with all datastores that the VM will be on.

    Otherwise DRS chooses a datastore too, and a host for that one.
    """
    after = target.applied_to(vm)
    relocate = copy.copy(relocate)
    if after.home is not None:
        relocate.datastore = session.ref("Datastore", after.home)
    if not relocate.disk and any(disk.datastore != after.home for disk in after.disks):
        relocate.disk = list(_disks(session, vm, target, shares=True))
    return vim.cluster.PlacementSpec(
        placementType="relocate",
        vm=session.ref("VirtualMachine", vm.moid),
        relocateSpec=relocate,
        hosts=[session.ref("HostSystem", host.moid) for host in hosts],
        datastores=[session.ref("Datastore", moid) for moid in after.datastores],
    )


def _disks(session: Session, vm: VmFacts, target: MoveTarget, *, shares: bool) -> Iterator[Any]:
    """Encode all disks, including those that stay: vCenter moves unlisted disks to the VM's own datastore.

    By default vCenter copies the parent of a linked clone too. If it ``shares``, it may put the disk on top of a
    read-only one of the same content in the target datastore instead, such as that of the image's template there.
    """
    for disk in vm.disks:
        place = target.disks.get(disk.key, DiskTarget(disk.datastore))
        locator = vim.vm.RelocateSpec.DiskLocator(
            diskId=disk.key,
            datastore=session.ref("Datastore", place.datastore),
            diskMoveType=_SHARING if shares and disk.linked and place.datastore != disk.datastore else None,
        )
        if place.provisioning is not None:
            locator.diskBackingInfo = disk_backing(disk.mode, place.provisioning)
        yield locator


def _rewired(device: Any, backing: Any) -> Any:
    changed = copy.copy(device)
    changed.backing = backing
    return edit_device(changed)

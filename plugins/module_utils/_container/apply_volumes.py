# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attach volumes to container VMs and detach them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import (
    AttachVolume,
    DetachVolumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_volumes import (
    decode_attached,
    decode_disk_datastores,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_volumes import volume_names
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Attempt, Flow, Gather
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.devices import scsi_controller
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import disk_id, protection
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DETACHED_KEY


def attach_volume(subject: ContainerSubject, change: AttachVolume) -> Flow[None]:
    """Protect the volume, and attach it at its unit of the first SCSI controller."""
    vm, volume = subject.vm(change.machine), change.volume
    controller = scsi_controller((yield from subject.bench.devices(subject.moid(change.machine))))
    if controller is None:
        raise GantryError(
            f"The VM {change.machine.name} has no SCSI controller to attach the volume {volume.name} to. Set recreate: "
            "true to create it again from its image."
        )
    yield from _protect(subject, volume)
    if volume.detached:
        # Before it is attached: without a record it is unknown when the volume was detached, which is never wrong.
        yield from _forget_detachment(subject, volume)
    yield Job(
        change.machine.name,
        f"attach the volume {volume.name} to",
        lambda: vm.AttachDisk_Task(
            diskId=disk_id(volume.id),
            datastore=volume.datastore.ref,
            controllerKey=controller.key,
            unitNumber=change.unit,
        ),
    )


def _protect(subject: ContainerSubject, volume: NamedVolume) -> Flow[None]:
    """Set the flag that keeps the volume when the VM is deleted: any client can have cleared it.

    The catalog does not show it, so it is set without looking. Who may do so may change every file of the datastore,
    so a user without the privilege mounts volumes, too: container_volume has set the flag when it created the volume.
    """
    session = subject.bench.session
    disk = {"id": disk_id(volume.id), "datastore": volume.datastore.ref}
    outcome = yield Attempt(protection(session.content.vStorageObjectManager, volume.name, disk))
    if outcome.error is None:
        return
    if not isinstance(outcome.error, FaultError) or outcome.error.kind != "NoPermission":
        raise outcome.error
    session.warn(
        f"The user may not check that the volume {volume.name} is kept when its VM is deleted, which requires "
        f"Datastore.FileManagement on the datastore {volume.datastore.name}. The volume is kept unless another client "
        "has changed that."
    )


def detach_volumes(subject: ContainerSubject, change: DetachVolumes) -> Flow[None]:
    """Detach the volumes, and check that the VM has none of them any more: its removal would include them."""
    vm, moid = subject.vm(change.machine), subject.moid(change.machine)
    present = decode_disk_datastores((yield from subject.bench.devices(moid)))
    for volume in change.ids:
        if volume in present:
            yield Job(change.machine.name, "detach a volume from", _detaching(vm, volume))
    left = {one.id for one in decode_attached((yield from subject.bench.devices(moid)))} & set(change.ids)
    if left:
        raise GantryError(
            f"vCenter has detached the volumes from {change.machine.name}, and the VM still has the disks "
            f"{listed(sorted(left))}. Nothing else was changed. Look at its disks in the vSphere Client, and run again."
        )
    recorded = sorted(change.unused & present.keys())
    if recorded:
        yield from _record_detachment(subject, change, {one: present[one] for one in recorded})


def _record_detachment(subject: ContainerSubject, change: DetachVolumes, datastores: Mapping[str, Any]) -> Flow[None]:
    """Write the time into the metadata of the volumes, for the report of volumes that nobody uses."""
    session, names = subject.bench.session, volume_names(change.machine)
    # Whoever needs the time at the same moment shares the request.
    now = yield Gather("time", None, lambda _items: read_job("the clock of vCenter", lambda: server_time(session)))
    record = vim.KeyValue(key=DETACHED_KEY, value=now.isoformat())
    for volume, datastore in datastores.items():
        disk = {"id": disk_id(volume), "datastore": datastore}
        yield from _write_metadata(subject, names[volume], {**disk, "metadata": [record]})


def _forget_detachment(subject: ContainerSubject, volume: NamedVolume) -> Flow[None]:
    disk = {"id": disk_id(volume.id), "datastore": volume.datastore.ref}
    yield from _write_metadata(subject, volume.name, {**disk, "deleteKeys": [DETACHED_KEY]})


def _write_metadata(subject: ContainerSubject, volume: str, arguments: Mapping[str, Any]) -> Flow[None]:
    """Write a record that only a report uses: that it cannot be written is a warning."""
    session = subject.bench.session
    manager = session.content.vStorageObjectManager
    call = functools.partial(manager.VCenterUpdateVStorageObjectMetadataEx_Task, **arguments)
    outcome = yield Attempt(Job(volume, "record the use of", call))
    if outcome.error is None:
        return
    if not isinstance(outcome.error, FaultError):
        raise outcome.error
    session.warn(
        f"It was not recorded that the volume {volume} was attached or detached, so that container_volume_info does "
        f"not show when it was detached, or shows an earlier time. {outcome.error.message}"
    )


def _detaching(vm: Any, volume: str) -> Callable[[], Any]:
    return lambda: vm.DetachDisk_Task(diskId=disk_id(volume))

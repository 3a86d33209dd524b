# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create volumes from snapshots of others.

vSphere creates a disk from a snapshot without metadata and without the control flag that keeps it. Until both are set,
the disk has a name that says for which volume and from which snapshot it was created, so that a run that follows an
interrupted one finishes the disk instead of creating another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import (
    VolumeCatalog,
    disk_id,
    protection,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.apply_subject import VolumeSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import CreateVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.decode import decode_created, decode_unfinished
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.encode import encode_metadata, encode_policy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import Volume, VolumeSnapshot

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PREFIX = "gantry-unfinished-"


def find_unfinished(session: Session, created: Sequence[CreateVolume]) -> Mapping[int, Volume]:
    """Return the disks that interrupted runs have left, by the indexes of the volumes that they were created for."""
    wanted = {_unfinished_name(change): change for change in created if change.snapshot is not None}
    if not wanted:
        return {}
    with VolumeCatalog(session) as catalog:
        left = catalog.read(catalog.find(("name", "startsWith", _PREFIX)))
    return {
        wanted[one.name].index: decode_unfinished(one, wanted[one.name].datastore, wanted[one.name].name)
        for one in left
        if one.name in wanted
    }


def create_from_snapshot(
    subject: VolumeSubject, change: CreateVolume, source: Volume, snapshot: VolumeSnapshot
) -> Flow[None]:
    """Create the disk, or finish one that exists. Its name is set last but for display: a named volume is complete."""
    manager, made = subject.manager, subject.unfinished
    if made is None:
        named = {"id": disk_id(source.id), "datastore": source.datastore.ref, "snapshotId": disk_id(snapshot.id)}
        created = yield Job(
            subject.name,
            "create from a snapshot",
            lambda: manager.CreateDiskFromSnapshot_Task(
                **named, name=_unfinished_name(change), profile=encode_policy(change.policy)
            ),
        )
        made = decode_created(created.config, change.datastore, change.name, change.labels)
    subject.volume = made
    disk, metadata = subject.disk, encode_metadata(change)
    yield protection(manager, subject.name, disk)
    yield Job(
        subject.name,
        "name",
        lambda: manager.VCenterUpdateVStorageObjectMetadataEx_Task(**disk, metadata=metadata),
    )
    yield Job(
        subject.name,
        "set the displayed name of",
        lambda: manager.RenameVStorageObject(**disk, name=change.name),
        has_task=False,
    )


def _unfinished_name(change: CreateVolume) -> str:
    taken = "" if change.snapshot is None else str(change.snapshot.id)
    return _PREFIX + hashlib.sha256(f"{change.name} {taken}".encode()).hexdigest()[:16]

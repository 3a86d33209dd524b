# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API objects of the catalog to volumes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import parse_object
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DETACHED_KEY,
    EXT4,
    FILESYSTEM_KEY,
    LABELS_KEY,
    NAME_KEY,
    ORIGINS_KEY,
    Volume,
    VolumeSnapshot,
)


def decode_volume(found: Any, datastore: Entry, users: Sequence[str]) -> Volume | None:
    """Return the volume, or None if the disk is none of ours."""
    metadata = {pair.key: pair.value for pair in found.metadata}
    name = metadata.get(NAME_KEY)
    if not name:
        return None
    used = found.usedCapacityInMB
    return Volume(
        name=name,
        size=int(found.capacityInMB),
        datastore=datastore,
        labels=decode_labels(metadata),
        id=found.id.id,
        file=found.diskPath,
        created=found.createTime,
        used=None if used is None or used < 0 else int(used),
        snapshots=tuple(
            VolumeSnapshot(one.description or "", None if one.snapshotId is None else one.snapshotId.id)
            for one in found.snapshotInfo
        ),
        users=tuple(users),
        origins=tuple((metadata.get(ORIGINS_KEY) or "").split()),
        detached=_moment(metadata.get(DETACHED_KEY)),
        filesystem=metadata.get(FILESYSTEM_KEY) or EXT4,
    )


def decode_unheard(found: Any, datastore: Entry) -> Volume | None:
    """Return the volume that a VStorageObject of the vSphere API is, or None if the disk is none of ours.

    Where vCenter leaves out the metadata, the name of the disk, which is the same at its creation, is all there is.
    """
    config = found.config
    metadata = {pair.key: pair.value for pair in config.metadata}
    name = metadata.get(NAME_KEY) if metadata else config.name
    if not name:
        return None
    return Volume(name, int(config.capacityInMB), datastore, decode_labels(metadata), id=config.id.id)


def decode_created(config: Any, datastore: Entry, name: str, labels: Mapping[str, str]) -> Volume:
    """Return the volume whose disk a task has created, from the configuration that is the result of the task."""
    return Volume(
        name,
        int(config.capacityInMB),
        datastore,
        labels,
        id=config.id.id,
        file=config.backing.filePath,
        created=config.createTime,
    )


def decode_unfinished(found: Any, datastore: Entry, name: str) -> Volume:
    """Return the volume that a disk of the catalog is to be, which has no metadata yet."""
    return Volume(
        name, int(found.capacityInMB), datastore, {}, id=found.id.id, file=found.diskPath, created=found.createTime
    )


def decode_labels(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the labels in a disk's metadata."""
    document = parse_object(metadata.get(LABELS_KEY)) or {}
    return {key: value for key, value in document.items() if isinstance(value, str)}


def _moment(text: str | None) -> datetime | None:
    """Return a time in the metadata. What another client has written there and is none is unknown."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def datastores_by_url(datastores: Sequence[Entry]) -> Callable[[str | None], Entry | None]:
    """Return the function that finds the datastore with a URL."""
    by_url = {entry.properties.get("summary.url"): entry for entry in datastores}
    return lambda url: None if url is None else by_url.get(url)

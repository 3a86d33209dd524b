# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_volume and container_volume_info return. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumeSnapshot,
)


def volumes_result(desired: DesiredVolumes, observed: ObservedVolumes) -> dict[str, Any]:
    """Return the task's own part of the result: of one volume, or of each in the list that the task gives."""
    shown = [None if place.volume is None else _shown(place.volume) for place in observed.places]
    return {"volumes": shown} if desired.listed else {"volume": shown[0]}


def query_result(volumes: Sequence[Volume]) -> dict[str, Any]:
    """Return the result of container_volume_info."""
    return {
        "volumes": [{**_shown(one), "snapshots": [_with_age(taken) for taken in one.snapshots]} for one in volumes],
        "total_size_mb": sum(one.size for one in volumes),
    }


def _shown(volume: Volume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "id": volume.id,
        "size_mb": volume.size,
        "used_mb": volume.used,
        "datastore": volume.datastore.name,
        "file": volume.file,
        "storage_policy": volume.storage_policy,
        "filesystem": volume.filesystem,
        "created": _time(volume.created),
        "labels": dict(volume.labels),
        "snapshots": [{"name": one.name, "id": one.id} for one in volume.snapshots],
        "attached_to": list(volume.users),
        "detached": None if volume.users else _time(volume.detached),
    }


def _with_age(snapshot: VolumeSnapshot) -> dict[str, Any]:
    return {"name": snapshot.name, "id": snapshot.id, "created": _time(snapshot.created)}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

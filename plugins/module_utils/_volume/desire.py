# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of container_volume and container_volume_info to what they ask for. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB, parse_size, parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredSnapshot,
    DesiredVolume,
    DesiredVolumes,
    VolumeQuery,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_LONGEST_NAME = 80
_LARGEST = 62 << 20  # 62 TiB in MiB: vSphere's limit of a virtual disk
# The values of options that say what a volume is to be; a removal needs none of them.
_OF_PRESENT = (
    *("size", "datastore", "datastore_cluster", "storage_policy", "filesystem", "provisioning", "labels"),
    *("restore", "source", "source_snapshot"),
)


def desire_volumes(params: Mapping[str, Any]) -> DesiredVolumes:
    """Return the volume or the volumes that a task describes."""
    given = params["volumes"] is not None
    present = params["state"] == "present"
    volumes = tuple(_volume(one, present) for one in (params["volumes"] if given else [params]))
    twice = [name for name, number in Counter(volume.name for volume in volumes).items() if number > 1]
    if twice:
        raise GantryError(f"volumes lists {listed(twice)} more than once. List each volume once.")
    return DesiredVolumes(volumes, given, params["datacenter"], present, params["confirm_data_loss"])


def desire_query(params: Mapping[str, Any]) -> VolumeQuery:
    """Return the filters that a task gives."""
    return VolumeQuery(
        names=None if params["name"] is None else frozenset(params["name"]),
        labels=parse_strings(params["labels"] or {}, "labels"),
        datacenter=params["datacenter"],
        datastore=params["datastore"],
        unused=params["unused"],
        ages=params["snapshot_ages"],
        policies=params["storage_policies"],
    )


def _volume(values: Mapping[str, Any], present: bool) -> DesiredVolume:
    name = values["name"]
    if _NAME.fullmatch(name) is None or len(name) > _LONGEST_NAME:
        raise GantryError(
            f"name is {name!r}. The name of a volume has 1 to {_LONGEST_NAME} characters: letters, digits, '_', '.' "
            "and '-', and '/' between its parts, such as shop/data."
        )
    if not present:
        useless = [option for option in _OF_PRESENT if values[option] is not None]
        if useless:
            raise GantryError(f"{listed(useless)} of the volume {name} has no effect with state absent. Leave it out.")
    return DesiredVolume(
        name=name,
        size=_size(values["size"]),
        datastore=values["datastore"],
        datastore_cluster=values["datastore_cluster"],
        provisioning=values["provisioning"],
        labels=None if values["labels"] is None else parse_strings(values["labels"], "labels"),
        snapshots=_snapshots(values["snapshots"] or [], name, present),
        restore=values["restore"],
        source=_source(values["source"], name),
        source_snapshot=_source_snapshot(values, name),
        storage_policy=values["storage_policy"],
        filesystem=values["filesystem"],
    )


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    size = parse_size(text, "size")
    if size % MIB or not 0 < size <= _LARGEST * MIB:
        raise GantryError(f"size is {text!r}. It must be a whole number of MiB from 1M to 62T.")
    return size // MIB


def _source(source: str | None, name: str) -> str | None:
    if source == name:
        raise GantryError(f"source of the volume {name} is the volume itself. Give the volume to copy.")
    return source


def _source_snapshot(values: Mapping[str, Any], name: str) -> str | None:
    snapshot: str | None = values["source_snapshot"]
    if snapshot is None:
        return None
    if values["source"] is None:
        raise GantryError(
            f"source_snapshot of the volume {name} is {snapshot}, and source is not given. Give the volume that has "
            "the snapshot as source."
        )
    useless = [option for option in ("datastore_cluster", "provisioning") if values[option] is not None]
    if useless:
        raise GantryError(
            f"{listed(useless)} of the volume {name} has no effect with source_snapshot: vSphere creates a disk from a "
            "snapshot on the datastore of its volume, with its provisioning. Leave it out."
        )
    return snapshot


def _snapshots(given: Sequence[Mapping[str, Any]], volume: str, present: bool) -> tuple[DesiredSnapshot, ...]:
    desired = tuple(DesiredSnapshot(one["name"], one["state"] == "present") for one in given)
    names = [one.name for one in desired]
    if len(set(names)) < len(names):
        raise GantryError(f"snapshots of the volume {volume} lists a name more than once. List each snapshot once.")
    if not present and any(one.present for one in desired):
        raise GantryError(
            f"snapshots of the volume {volume} asks for a snapshot, but state is absent. With state absent, list the "
            "snapshots to remove with the volume, each with state absent."
        )
    return desired

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes of a container: as its task names them, and as its VM has them. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import EXT4


@dataclass(frozen=True)
class AttachedVolume:
    """A First Class Disk that is attached to a VM. ``unit`` is None if it is not on SCSI controller 0."""

    id: str
    unit: int | None


@dataclass(frozen=True)
class NamedVolume:
    """A volume that a container names. ``users`` are the paths of the VMs that it is attached to, by their MoIDs.

    They are read only if it is not attached to the container. ``origins`` are the ids of the volumes it is a copy of.
    ``detached``: it has a record of when it was detached.
    """

    name: str
    id: str
    datastore: Entry
    users: Mapping[str, str]
    origins: tuple[str, ...] = ()
    detached: bool = False
    filesystem: str = EXT4

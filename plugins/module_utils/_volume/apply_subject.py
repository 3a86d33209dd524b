# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume whose changes are made, as a subject of the batch engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.volume_catalog import disk_id
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import Volume

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass
class VolumeSubject(Subject):
    """A volume with its changes. ``volume`` is None until it is created.

    ``unfinished`` is the disk that an interrupted run has created for it from a snapshot.
    """

    session: Session | None = None
    volume: Volume | None = None
    unfinished: Volume | None = None

    @property
    def manager(self) -> Any:
        if self.session is None:
            raise ValueError(f"{self.name} has no session")
        return self.session.content.vStorageObjectManager

    @property
    def disk(self) -> dict[str, Any]:
        """Return the arguments by which a call names the disk."""
        if self.volume is None:
            raise ValueError(f"{self.name} is changed before it is created")
        return {"id": disk_id(self.volume.id), "datastore": self.volume.datastore.ref}

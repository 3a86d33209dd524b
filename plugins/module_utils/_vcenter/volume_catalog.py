# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global catalog of First Class Disks (/vslm/sdk), which reads many disks with one request.

The manager of the vSphere API (content.vStorageObjectManager) reads one disk with each request, so it is used for
changes only. The catalog is a service of its own, which takes the session of the vCenter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.companion import (
    PAGE,
    Companion,
    CompanionStub,
    pages,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim, vslm
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# A field, an operator and a value, such as ("metadataKey", "equals", "owner").
Criterion = tuple[str, str, str]


class _CatalogStub(CompanionStub):
    service_path = "/vslm/sdk"
    # The first one that shows the names of snapshots. All supported releases of vCenter know it.
    service_version = "vslm.version.v7_0_2_0"


class VolumeCatalog(Companion):
    """The catalog, for one task."""

    stub_type = _CatalogStub

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._manager: Any = None

    def __enter__(self) -> VolumeCatalog:
        content = vslm.ServiceInstance("ServiceInstance", self.stub).RetrieveContent()
        self._manager = content.vStorageObjectManager
        return self

    def find(self, *criteria: Criterion) -> list[str]:
        """Return the ids of the disks that fulfil all criteria, in their order."""
        found: list[str] = []
        while True:
            after: list[Criterion] = [("id", "greaterThan", found[-1])] if found else []
            query = [
                vslm.vso.VStorageObjectQuerySpec(queryField=field, queryOperator=operator, queryValue=[value])
                for field, operator, value in (*criteria, *after)
            ]
            page = self._manager.VslmListVStorageObjectForSpec(query=query, maxResult=PAGE)
            ids = [] if page is None else [one.id for one in page.id]
            found += ids
            if page is None or page.allRecordsReturned or not ids:
                return found

    def read(self, ids: Sequence[str]) -> list[Any]:
        """Return what the catalog knows of the disks. Those that it cannot find are left out."""
        return [
            one
            for page in _pages(ids)
            for one in self._manager.VslmRetrieveVStorageObjects(ids=page) or ()
            if one.error is None
        ]

    def users(self, ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the ids of the VMs that each disk is attached to."""
        return {
            one.id.id: tuple(user.vmId for user in one.vmDiskAssociation)
            for page in _pages(ids)
            for one in self._manager.VslmRetrieveVStorageObjectAssociations(ids=page) or ()
        }


def disk_id(text: str | None) -> Any:
    """Return the id of a disk or of a snapshot for the API."""
    return vim.vslm.ID(id=text)


def protection(manager: Any, name: str, disk: Mapping[str, Any]) -> Job:
    """Return the job that lets a disk be kept when its VM is deleted. ``disk`` has the arguments that name it."""
    return Job(
        name,
        "protect from the deletion of its VM:",
        lambda: manager.SetVStorageObjectControlFlags(**disk, controlFlags=["keepAfterDeleteVm"]),
        has_task=False,
    )


def _pages(ids: Sequence[str]) -> Iterator[list[Any]]:
    for page in pages(ids):
        yield [disk_id(one) for one in page]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Storage policies (/pbm/sdk): which there are, which disks have them, and which datastores fulfil them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.companion import Companion, CompanionStub, pages
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import pbm

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# A disk with an identity of its own is named by its id.
_DISK = "virtualDiskUUID"


@dataclass(frozen=True)
class StoragePolicy:
    name: str
    id: str


class _PolicyStub(CompanionStub):
    service_path = "/pbm/sdk"
    # The first one that compares datastores with requirements. All supported releases of vCenter know it.
    service_version = "pbm.version.version11"


class StoragePolicies(Companion):
    """The service of storage policies, for one task. Reading them requires the privilege StorageProfile.View."""

    stub_type = _PolicyStub

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._content: Any = None

    def __enter__(self) -> StoragePolicies:
        self._content = pbm.ServiceInstance("ServiceInstance", self.stub).PbmRetrieveServiceContent()
        return self

    def find(self, names: Sequence[str]) -> Mapping[str, StoragePolicy]:
        """Return the policies by their names. A name that no policy has is an error."""
        kind = pbm.profile.ResourceType(resourceType="STORAGE")
        manager = self._content.profileManager
        ids = manager.PbmQueryProfile(resourceType=kind, profileCategory="REQUIREMENT") or []
        known = self._named(ids)
        missing = [name for name in names if name not in known]
        if missing:
            raise GantryError(
                f"There is no storage policy {listed(missing)}. vCenter has {listed(sorted(known)) or 'none'}, as far "
                "as the user may see them (privilege StorageProfile.View)."
            )
        return {name: known[name] for name in names}

    def of_disks(self, ids: Sequence[str]) -> Mapping[str, StoragePolicy]:
        """Return the policies of First Class Disks by the disks' ids. Those without a policy are left out."""
        found = {}
        for page in pages(ids):
            disks = [pbm.ServerObjectRef(objectType=_DISK, key=one) for one in page]
            rows = self._content.profileManager.PbmQueryAssociatedProfiles(entities=disks) or []
            found.update({row.object.key: row.profileId[0] for row in rows if row.profileId})
        known = {policy.id: policy for policy in self._named(list(found.values())).values()}
        return {disk: known[one.uniqueId] for disk, one in found.items() if one.uniqueId in known}

    def misfits(self, policy: StoragePolicy, datastores: Sequence[str]) -> Mapping[str, str]:
        """Return which of the datastores, by their MoIDs, do not fulfil a policy, each with vCenter's reason."""
        hubs = [pbm.placement.PlacementHub(hubType="Datastore", hubId=moid) for moid in datastores]
        wanted = pbm.placement.CapabilityProfileRequirement(profileId=pbm.profile.ProfileId(uniqueId=policy.id))
        rows = self._content.placementSolver.PbmCheckRequirements(
            hubsToSearch=hubs, placementSubjectRequirement=[wanted]
        )
        reasons = {row.hub.hubId: _reason(row.error[0]) if row.error else None for row in rows or ()}
        found = {moid: reasons.get(moid, "vCenter does not compare it") for moid in datastores}
        return {moid: reason for moid, reason in found.items() if reason is not None}

    def _named(self, ids: Sequence[Any]) -> Mapping[str, StoragePolicy]:
        if not ids:
            return {}
        unique = {one.uniqueId: one for one in ids}
        found = self._content.profileManager.PbmRetrieveContent(profileIds=list(unique.values()))
        return {one.name: StoragePolicy(one.name, one.profileId.uniqueId) for one in found}


def _reason(fault: Any) -> str:
    messages = [one.message for one in fault.faultMessage or () if one.message]
    return " ".join([fault.msg or "", *messages]).strip() or type(fault).__name__

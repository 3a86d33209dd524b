# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the storage policies of volumes, and which datastores fulfil those that volumes are to get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicies
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolumes, Volume, WantedPolicy

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_policies(
    session: Session, desired: DesiredVolumes, known: Mapping[str, Volume], datastores: Sequence[str]
) -> tuple[dict[str, Volume], dict[str, WantedPolicy]]:
    """Return the volumes by their names with their policies, and the policies that volumes are to get, by their names.

    ``datastores`` are the MoIDs of those that are compared with the policies.
    """
    asked = {one.name: one.storage_policy for one in desired.volumes if one.storage_policy is not None}
    with StoragePolicies(session) as service:
        found = _with_policies(service, [known[name] for name in asked if name in known])
        volumes = {**known, **{volume.name: volume for volume in found}}
        lacking = {
            name: policy
            for name, policy in asked.items()
            if name not in volumes or volumes[name].storage_policy != policy
        }
        policies = service.find(sorted(set(lacking.values()))) if lacking else {}
        wanted = {name: WantedPolicy(policy, service.misfits(policy, datastores)) for name, policy in policies.items()}
    return volumes, {name: wanted[policy] for name, policy in lacking.items()}


def with_policies(session: Session, volumes: Sequence[Volume]) -> list[Volume]:
    """Return the volumes with their storage policies."""
    with StoragePolicies(session) as service:
        return _with_policies(service, volumes)


def _with_policies(service: StoragePolicies, volumes: Sequence[Volume]) -> list[Volume]:
    policies = service.of_disks([str(volume.id) for volume in volumes]) if volumes else {}
    named = {disk: policy.name for disk, policy in policies.items()}
    return [replace(volume, storage_policy=named.get(str(volume.id))) for volume in volumes]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes to specs of the vSphere API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import CreateVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    EXT4,
    FILESYSTEM_KEY,
    LABELS_KEY,
    NAME_KEY,
    ORIGINS_KEY,
)

_PROVISIONING = {"thin": "thin", "lazy_zeroed": "lazyZeroedThick", "eager_zeroed": "eagerZeroedThick"}


def encode_creation(change: CreateVolume) -> Any:
    """Return the spec of a new disk, or of a copy. Its name is set with its creation, so that it is never without."""
    backing = vim.vslm.CreateSpec.DiskFileBackingSpec(
        datastore=change.datastore.ref,
        provisioningType=None if change.provisioning is None else _PROVISIONING[change.provisioning],
    )
    metadata = encode_metadata(change)
    profile = encode_policy(change.policy)
    if change.source is None:
        return vim.vslm.CreateSpec(
            name=change.name,
            keepAfterDeleteVm=True,
            backingSpec=backing,
            capacityInMB=change.size,
            metadata=metadata,
            profile=profile,
        )
    return vim.vslm.CloneSpec(
        name=change.name, keepAfterDeleteVm=True, backingSpec=backing, metadata=metadata, profile=profile
    )


def encode_policy(policy: StoragePolicy | None) -> list[Any]:
    """Return what names a storage policy in the spec of a disk. Without one, it has the default of its datastore."""
    return [] if policy is None else [vim.vm.DefinedProfileSpec(profileId=policy.id)]


def encode_metadata(change: CreateVolume) -> list[Any]:
    """Return the metadata of a new disk. That of a copy says of which volumes."""
    metadata = [vim.KeyValue(key=NAME_KEY, value=change.name), encode_labels(change.labels)]
    if change.origins:
        metadata.append(vim.KeyValue(key=ORIGINS_KEY, value=" ".join(change.origins)))
    if change.filesystem != EXT4:
        metadata.append(vim.KeyValue(key=FILESYSTEM_KEY, value=change.filesystem))
    return metadata


def encode_labels(labels: Mapping[str, str]) -> Any:
    """Return the metadata of the labels: one value, because vSphere takes an empty one for a tag."""
    return vim.KeyValue(key=LABELS_KEY, value=canonical_json(dict(labels)))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a volume is created, and the specs of its creation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import CreateVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.encode import encode_creation
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolume, Volume, WantedPolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.resolve import resolve_datastore
from tests.support.builders.inventory import REFS, Property, Ref, small_inventory

POD = Ref("StoragePod", "pod1")


def of_pod(number: int, free: int, **summary: Any) -> Row:
    """Return a datastore of the cluster pod."""
    values = {"freeSpace": free, "accessible": True, "maintenanceMode": "normal", **summary}
    listed = [Property("name", f"pod-{number}"), Property("parent", POD)]
    listed += [Property(f"summary.{key}", value) for key, value in values.items()]
    return Row(Ref("Datastore", f"pod-{number}"), listed)


def chosen(desired: DesiredVolume, *rows: Row, misfits: Mapping[str, str] | None = None) -> str:
    pod = Row(POD, [Property("name", "pod"), Property("parent", REFS["dsf"])])
    inventory = small_inventory(pod, *rows)
    wanted = None if misfits is None else WantedPolicy(StoragePolicy("gold", "id-gold"), misfits)
    return resolve_datastore(inventory, inventory.datacenter("DC0"), desired, wanted=wanted).name


def test_the_named_datastore_is_used() -> None:
    assert chosen(DesiredVolume("data", datastore="shared1")) == "shared1"
    with pytest.raises(GantryError, match="nowhere"):
        chosen(DesiredVolume("data", datastore="nowhere"))


def test_a_copy_of_a_snapshot_is_on_the_datastore_of_its_source() -> None:
    inventory = small_inventory()
    datacenter = inventory.datacenter("DC0")
    source = Volume("data", 64, inventory.datastore("shared1", datacenter=datacenter), {})
    copy = DesiredVolume("copy", source="data", source_snapshot="one")
    assert resolve_datastore(inventory, datacenter, copy, source) == source.datastore
    with pytest.raises(GantryError, match="datastore of the volume copy is shared0, but"):
        resolve_datastore(inventory, datacenter, replace(copy, datastore="shared0"), source)


def test_a_datastore_cluster_gives_its_datastore_with_the_most_free_space() -> None:
    desired = DesiredVolume("data", datastore_cluster="pod")
    assert chosen(desired, of_pod(1, 10), of_pod(2, 30), of_pod(3, 20)) == "pod-2"
    unusable = (of_pod(2, 30, accessible=False), of_pod(3, 20, maintenanceMode="inMaintenance"))
    assert chosen(desired, of_pod(1, 10), *unusable) == "pod-1"
    with pytest.raises(GantryError, match="is accessible and not in maintenance mode"):
        chosen(desired, *unusable)


def test_a_storage_policy_is_fulfilled_by_the_datastore_that_is_chosen() -> None:
    desired = DesiredVolume("data", datastore_cluster="pod", storage_policy="gold")
    rows = (of_pod(1, 10), of_pod(2, 30), of_pod(3, 20))
    assert chosen(desired, *rows, misfits={"pod-2": "No tag."}) == "pod-3"
    everything = {f"pod-{number}": "No tag." for number in (1, 2, 3)}
    with pytest.raises(GantryError, match=r"satisfies the storage policy gold \(pod-1: No tag, pod-2: No tag, pod-3"):
        chosen(desired, *rows, misfits=everything)
    with pytest.raises(GantryError, match=r"policy gold \(shared1: No tag\)"):
        chosen(DesiredVolume("data", datastore="shared1"), misfits={"ds1": "No tag."})


def test_with_a_storage_policy_any_datastore_of_the_datacenter_is_chosen() -> None:
    assert chosen(DesiredVolume("data", storage_policy="gold"), of_pod(1, 1 << 60), misfits={}) == "pod-1"


def test_the_metadata_is_part_of_the_creation() -> None:
    store = Entry("s", "/DC0/datastore/s", "Datastore", "ds", vim.Datastore("ds"), None, "dc", {})
    change = CreateVolume(0, "data", 64, store, "eager_zeroed", {"b": "", "a": "1"})
    spec = encode_creation(change)
    assert {pair.key: pair.value for pair in spec.metadata} == {
        "gantry.volume": "data",
        "gantry.labels": '{"a":"1","b":""}',
    }
    assert (spec.capacityInMB, spec.keepAfterDeleteVm, spec.backingSpec.provisioningType) == (
        64,
        True,
        "eagerZeroedThick",
    )
    copied = encode_creation(replace(change, provisioning=None, source=Volume("old", 64, store, {}, id="x")))
    assert isinstance(copied, vim.vslm.CloneSpec)
    assert copied.keepAfterDeleteVm
    assert copied.backingSpec.provisioningType is None
    assert [pair.value for pair in copied.metadata] == [*(pair.value for pair in spec.metadata), "x"]

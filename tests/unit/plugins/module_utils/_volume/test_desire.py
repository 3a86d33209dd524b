# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of volumes, and what of the catalog is a volume."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.decode import decode_unheard, decode_volume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.desire import desire_query, desire_volumes
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredSnapshot,
    DesiredVolume,
    VolumeSnapshot,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.options import (
    volume_argument_spec,
    volume_info_argument_spec,
)

STORE = Entry("shared0", "/DC0/datastore/shared0", "Datastore", "datastore-1", None, None, "datacenter-1", {})
NONE = {**dict.fromkeys(volume_argument_spec()), "state": "present", "confirm_data_loss": False}


def desired(**options: Any) -> DesiredVolume:
    (volume,) = desire_volumes({**NONE, "name": "data", **options}).volumes
    return volume


def test_a_size_is_a_number_of_mib() -> None:
    assert desired(size="10G").size == 10240
    for size in ("0", "1.5K", "63T", "ten"):
        with pytest.raises(GantryError):
            desired(size=size)


@pytest.mark.parametrize("name", ["", "/data", "data/", "a//b", "a b", "x" * 81, "gantry\\x", "-a"])
def test_a_name_is_a_path_of_words(name: str) -> None:
    assert desired(name="shop/data_1.b-c").name == "shop/data_1.b-c"
    with pytest.raises(GantryError, match="The name of a volume"):
        desired(name=name)


def test_what_has_no_effect_is_an_error() -> None:
    with pytest.raises(GantryError, match="size, labels of the volume data has no effect"):
        desired(state="absent", size="1G", labels={})
    with pytest.raises(GantryError, match="asks for a snapshot"):
        desired(state="absent", snapshots=[{"name": "one", "state": "present"}])
    with pytest.raises(GantryError, match="is the volume itself"):
        desired(source="data")
    with pytest.raises(GantryError, match="more than once"):
        desired(snapshots=[{"name": "one", "state": "present"}, {"name": "one", "state": "absent"}])
    with pytest.raises(GantryError, match="lists data more than once"):
        desire_volumes({**NONE, "volumes": [{**NONE, "name": "data"}, {**NONE, "name": "data"}]})
    with pytest.raises(GantryError, match="not a string"):
        desired(labels={"a": 1})


def test_a_list_has_the_options_of_a_single_volume() -> None:
    spec = volume_argument_spec()
    single = {name: one for name, one in spec.items() if name in spec["volumes"]["options"] and name != "name"}
    assert single == {name: one for name, one in spec["volumes"]["options"].items() if name != "name"}
    listed = desire_volumes({**NONE, "volumes": [{**NONE, "name": "a"}, {**NONE, "name": "b", "size": "1M"}]})
    assert [(one.name, one.size) for one in listed.volumes] == [("a", None), ("b", 1)]
    taken = desired(snapshots=[{"name": "one", "state": "absent"}]).snapshots
    assert taken == (DesiredSnapshot("one", False),)


def test_a_query_without_filters_selects_all() -> None:
    query = desire_query({**dict.fromkeys(volume_info_argument_spec()), "snapshot_ages": False})
    assert (query.names, query.labels, query.unused) == (None, {}, None)


def found(**metadata: str) -> Any:
    return SimpleNamespace(
        id=SimpleNamespace(id="data-id"),
        capacityInMB=64,
        usedCapacityInMB=-1,
        diskPath="[shared0] fcd/x.vmdk",
        createTime=datetime(2026, 3, 1, tzinfo=UTC),
        metadata=[SimpleNamespace(key=key.replace("_", "."), value=value) for key, value in metadata.items()],
        snapshotInfo=[SimpleNamespace(description="one", snapshotId=SimpleNamespace(id="one-id"))],
    )


def test_only_disks_with_the_metadata_are_volumes() -> None:
    assert decode_volume(found(color="red"), STORE, ()) is None
    volume = decode_volume(found(gantry_volume="shop/data", gantry_labels='{"a":"b","c":1}'), STORE, ["web"])
    assert volume is not None
    assert (volume.name, volume.labels, volume.used, volume.users) == ("shop/data", {"a": "b"}, None, ("web",))
    assert volume.snapshots == (VolumeSnapshot("one", "one-id"),)
    damaged = decode_volume(found(gantry_volume="data", gantry_labels="{"), STORE, ())
    assert damaged is not None
    assert damaged.labels == {}


def test_a_disk_without_metadata_may_be_a_new_volume() -> None:
    def unheard(name: str, **metadata: str) -> Any:
        pairs = found(**metadata).metadata
        config = SimpleNamespace(id=SimpleNamespace(id="data-id"), capacityInMB=64, name=name, metadata=pairs)
        return decode_unheard(SimpleNamespace(config=config), STORE)

    assert unheard("data", color="red") is None
    assert unheard("shown", gantry_volume="data").name == "data"
    assert unheard("data").name == "data"

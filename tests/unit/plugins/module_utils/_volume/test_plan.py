# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning of volumes, without vCenter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.storage_policies import StoragePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import (
    CreateVolume,
    DeleteVolume,
    GrowVolume,
    LabelVolume,
    RemoveVolumeSnapshot,
    RestoreVolume,
    SetVolumePolicy,
    TakeSnapshot,
    VolumeChange,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import (
    DesiredSnapshot,
    DesiredVolume,
    DesiredVolumes,
    ObservedVolumes,
    Volume,
    VolumePlace,
    VolumeSnapshot,
    WantedPolicy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.plan import plan_volumes

STORE = Entry("shared0", "/DC0/datastore/shared0", "Datastore", "datastore-1", None, None, "datacenter-1", {})
DATACENTER = Entry("DC0", "/DC0", "Datacenter", "datacenter-1", None, None, None, {})
ONE, TWO, THREE = (VolumeSnapshot(name, f"id-{name}") for name in ("one", "two", "three"))
GOLD = StoragePolicy("gold", "id-gold")
DATA = Volume("data", 64, STORE, {"a": "b"}, id="data-id")


def planned(
    desired: DesiredVolume, there: Volume | None, *, source: Volume | None = None, **options: Any
) -> Plan[VolumeChange]:
    place = VolumePlace(STORE if there is None else None, there, source)
    return plan_volumes(
        DesiredVolumes((desired,), False, None, **{"present": True, "confirmed": False, **options}),
        ObservedVolumes(DATACENTER, (place,)),
    )


def after(desired: DesiredVolume, there: Volume | None, **options: Any) -> Volume | None:
    """Return the volume as check mode predicts it."""
    place = VolumePlace(STORE if there is None else None, there, options.get("source"))
    return planned(desired, there, **options).project(ObservedVolumes(DATACENTER, (place,))).places[0].volume


def refusal(desired: DesiredVolume, there: Volume | None, **options: Any) -> GantryError:
    with pytest.raises(GantryError) as raised:
        planned(desired, there, **options)
    return raised.value


def test_a_volume_as_it_is_to_be_needs_nothing() -> None:
    assert not planned(DesiredVolume("data"), DATA).changed
    assert not planned(DesiredVolume("data", size=64, labels={"a": "b"}, datastore="other"), DATA).changed
    assert not planned(DesiredVolume("data", snapshots=(DesiredSnapshot("one", False),)), DATA).changed
    assert not planned(DesiredVolume("data"), None, present=False).changed


def test_a_missing_volume_is_created_with_its_snapshots() -> None:
    desired = DesiredVolume("data", size=64, labels={"a": "b"}, snapshots=(DesiredSnapshot("one", True),))
    assert planned(desired, None).changes == (
        CreateVolume(0, "data", 64, STORE, None, {"a": "b"}),
        TakeSnapshot(0, "data", "one"),
    )
    assert after(desired, None) == replace(DATA, id=None, snapshots=(VolumeSnapshot("one"),))
    assert "no size is given" in refusal(DesiredVolume("data"), None).message


def test_the_file_system_is_chosen_once() -> None:
    xfs = DesiredVolume("data", size=300, filesystem="xfs")
    (creation,) = planned(xfs, None).changes
    assert creation.describe() == "create the volume data, 300 MiB, on shared0, for xfs"
    assert after(xfs, None) == Volume("data", 300, STORE, {}, filesystem="xfs")
    assert "needs 300 MiB at least" in refusal(replace(xfs, size=299), None).message
    there = replace(DATA, filesystem="xfs")
    assert not planned(DesiredVolume("data", filesystem="xfs"), there).changed
    assert "It exists and has xfs" in refusal(DesiredVolume("data", filesystem="ext4"), there).message
    assert "It exists and has ext4" in refusal(DesiredVolume("data", filesystem="xfs"), DATA).message


def test_a_copy_has_the_file_system_of_its_source() -> None:
    there = replace(DATA, size=300, filesystem="xfs")
    copied = DesiredVolume("copy", source="data")
    made = after(copied, None, source=there)
    assert made is not None
    assert made.filesystem == "xfs"
    assert planned(replace(copied, filesystem="xfs"), None, source=there).changed
    message = refusal(replace(copied, filesystem="ext4"), None, source=there).message
    assert "The volume data, which it is to be a copy of, has xfs" in message


def test_a_copy_has_at_least_the_size_of_its_source() -> None:
    copied = DesiredVolume("copy", source="data")
    assert planned(copied, None, source=DATA).changes == (CreateVolume(0, "copy", 64, STORE, None, {}, DATA),)
    larger = planned(replace(copied, size=128), None, source=DATA).changes
    assert [type(change) for change in larger] == [CreateVolume, GrowVolume]
    assert "never shrunk" in refusal(replace(copied, size=32), None, source=DATA).message
    assert "does not exist" in refusal(copied, None).message


def test_size_and_labels_are_changed() -> None:
    changes = planned(DesiredVolume("data", size=65, labels={}), DATA).changes
    assert changes == (GrowVolume(0, DATA, 65), LabelVolume(0, DATA, {}))
    assert "never shrunk" in refusal(DesiredVolume("data", size=63), DATA).message


def test_a_volume_grows_after_its_last_snapshot_is_removed() -> None:
    held = replace(DATA, snapshots=(ONE,))
    grown = DesiredVolume("data", size=65)
    error = refusal(grown, held)
    assert error.details == {"snapshots": ["one"]}
    changes = planned(replace(grown, snapshots=(DesiredSnapshot("one", False),)), held).changes
    assert [type(change) for change in changes] == [RemoveVolumeSnapshot, GrowVolume]


def test_a_restore_removes_the_later_snapshots() -> None:
    held = replace(DATA, snapshots=(ONE, TWO, THREE))
    desired = DesiredVolume("data", restore="one", snapshots=(DesiredSnapshot("two", True),))
    changes = planned(desired, held, confirmed=True).changes
    assert changes == (RestoreVolume(0, held, ONE), TakeSnapshot(0, "data", "two"))
    assert after(desired, held, confirmed=True) == replace(DATA, snapshots=(ONE, VolumeSnapshot("two")))
    assert "confirm_data_loss" in refusal(desired, held).message
    assert (
        "no snapshot four to restore. It has one, two, three"
        in refusal(DesiredVolume("data", restore="four"), held).message
    )
    used = replace(held, users=("web",))
    assert refusal(desired, used, confirmed=True).details == {"users": ["web"]}
    assert "does not exist" in refusal(replace(desired, size=64), None, confirmed=True).message


def test_only_32_snapshots_are_possible() -> None:
    many = replace(DATA, snapshots=tuple(VolumeSnapshot(str(number), str(number)) for number in range(32)))
    assert (
        "vSphere allows 32" in refusal(DesiredVolume("data", snapshots=(DesiredSnapshot("one", True),)), many).message
    )
    swap = (DesiredSnapshot("0", False), DesiredSnapshot("one", True))
    assert len(planned(DesiredVolume("data", snapshots=swap), many).changes) == 2


def test_what_has_users_or_snapshots_is_not_deleted() -> None:
    gone: dict[str, Any] = {"present": False, "confirmed": True}
    assert planned(DesiredVolume("data"), DATA, **gone).changes == (DeleteVolume(0, DATA),)
    assert after(DesiredVolume("data"), DATA, **gone) is None
    assert "confirm_data_loss" in refusal(DesiredVolume("data"), DATA, present=False).message
    assert refusal(DesiredVolume("data"), replace(DATA, users=("web",)), **gone).details == {"users": ["web"]}
    held = replace(DATA, snapshots=(ONE, TWO))
    one = DesiredVolume("data", snapshots=(DesiredSnapshot("one", False),))
    assert refusal(one, held, **gone).details == {"snapshots": ["two"]}
    both = replace(one, snapshots=(*one.snapshots, DesiredSnapshot("two", False)))
    assert [type(change) for change in planned(both, held, **gone).changes] == [
        RemoveVolumeSnapshot,
        RemoveVolumeSnapshot,
        DeleteVolume,
    ]


def test_the_diff_of_a_plan_names_the_volumes() -> None:
    held = replace(DATA, snapshots=(ONE,))
    desired = DesiredVolume("data", snapshots=(DesiredSnapshot("two", True),), restore="one")
    diff = planned(desired, held, confirmed=True).diff()
    assert diff == {
        "before": {"volumes": {"data": {"content": "as it is now"}}},
        "after": {"volumes": {"data": {"content": "as in the snapshot one", "snapshots": {"two": "present"}}}},
    }


def test_all_problems_are_reported_together() -> None:
    desired = DesiredVolumes(
        (DesiredVolume("data", size=1), DesiredVolume("other")), True, None, present=True, confirmed=False
    )
    with pytest.raises(GantryError) as raised:
        plan_volumes(desired, ObservedVolumes(DATACENTER, (VolumePlace(None, DATA), VolumePlace(STORE, None))))
    assert len(raised.value.details["problems"]) == 2


def planned_with_policy(there: Volume | None, **misfits: str) -> Plan[VolumeChange]:
    reasons = {name.replace("_", "-"): reason for name, reason in misfits.items()}
    place = VolumePlace(STORE if there is None else None, there, wanted=WantedPolicy(GOLD, reasons))
    desired = DesiredVolume("data", size=64, storage_policy="gold")
    return plan_volumes(
        DesiredVolumes((desired,), False, None, present=True, confirmed=False), ObservedVolumes(DATACENTER, (place,))
    )


def test_a_volume_gets_its_storage_policy() -> None:
    plan = planned_with_policy(None)
    assert plan.changes == (CreateVolume(0, "data", 64, STORE, None, {}, policy=GOLD),)
    assert plan.actions() == ["create the volume data, 64 MiB, on shared0, with the storage policy gold"]
    silver = replace(DATA, storage_policy="silver")
    plan = planned_with_policy(silver, datastore_2="It is another one.")
    assert plan.changes == (SetVolumePolicy(0, silver, GOLD),)
    assert plan.diff()["before"]["volumes"]["data"] == {"storage_policy": "silver"}
    assert plan.diff()["after"]["volumes"]["data"] == {"storage_policy": "gold"}


def test_a_volume_whose_datastore_does_not_satisfy_the_policy_keeps_its_own() -> None:
    with pytest.raises(GantryError) as raised:
        planned_with_policy(DATA, datastore_1="No tag.")
    assert "data is on shared0, which does not satisfy the storage policy gold: No tag. Move it" in raised.value.message

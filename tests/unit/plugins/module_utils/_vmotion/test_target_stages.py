# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the volumes of a VM are moved one at a time."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import DiskFacts, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.target_stages import stages_of
from tests.support.builders.placement_views import vm


def vm_with(*volumes: int) -> VmFacts:
    """Return a VM with a disk that is no volume, with the key 1, and with volumes."""
    disks = (DiskFacts(1, "disk 1", "old"), *(DiskFacts(key, f"disk {key}", "old", volume=True) for key in volumes))
    return vm(disks=disks, home="old")


def all_to(one: VmFacts, datastore: str) -> MoveTarget:
    return MoveTarget(host="host-9", home=datastore, disks={disk.key: DiskTarget(datastore) for disk in one.disks})


def test_a_vm_with_one_volume_is_moved_at_once() -> None:
    for one in (vm_with(), vm_with(2)):
        assert stages_of(one, all_to(one, "new")) == [(one, all_to(one, "new"))]
        assert stages_of(one, MoveTarget(host="host-9")) == [(one, MoveTarget(host="host-9"))]


def test_each_further_volume_is_moved_alone_after_the_vm() -> None:
    one = vm_with(2, 3, 4)
    stages = stages_of(one, all_to(one, "new"))
    assert [sorted(target.disks) for _before, target in stages] == [[1, 2], [3], [4]]
    assert [target.host for _before, target in stages] == ["host-9", None, None]
    assert [[disk.datastore for disk in before.disks] for before, _target in stages] == [
        ["old", "old", "old", "old"],
        ["new", "new", "old", "old"],
        ["new", "new", "new", "old"],
    ]
    before, last = stages[-1]
    assert last.applied_to(before) == all_to(one, "new").applied_to(one)


def test_a_volume_that_is_already_there_does_not_count() -> None:
    one = vm_with(2, 3)
    here = MoveTarget(home="new", disks={2: DiskTarget("old", "thick"), 3: DiskTarget("new")})
    assert stages_of(one, here) == [(one, here)]

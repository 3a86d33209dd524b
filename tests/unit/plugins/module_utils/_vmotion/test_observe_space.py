# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the space that moves need: of several VMs together, with their parents, and of disks that become thick."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    DiskFacts,
    DiskFile,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import DiskTarget, MoveTarget
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_space import find_space
from tests.support.builders.placement_views import view, vm

MIB = 1 << 20


def disk(key: int, size: int, *parents: int, **changes: Any) -> DiskFacts:
    base = DiskFacts(
        key,
        f"Hard disk {key}",
        "ds0",
        "thin",
        linked=bool(parents),
        capacity=900 * MIB,
        file=DiskFile(f"[ds0] vm/{key}-{size}.vmdk", size * MIB),
        parents=tuple(DiskFile(f"[ds0] base/{number}.vmdk", number * MIB) for number in parents),
    )
    return replace(base, **changes)


def machine(name: str, *disks: DiskFacts) -> VmFacts:
    return vm(name, disks=disks)


def found(
    *machines: VmFacts, store: str = "ds1", provisioning: str | None = None, away: bool = False
) -> tuple[list[Blocker], dict[str, list[str]]]:
    """Return what prevents the moves of these VMs to a datastore with 1 GiB free."""
    here = view()
    there: PlacementView = replace(here, datastores=dict(here.datastores)) if away else here
    targets = {
        one.moid: MoveTarget(disks={disk.key: DiskTarget(store, provisioning) for disk in one.disks})
        for one in machines
    }
    return find_space(machines, targets, there, here)


def test_a_vm_that_fits_has_no_blocker() -> None:
    assert found(machine("web", disk(1, 600), disk(2, 424))) == ([], {})


def test_the_disks_of_a_vm_are_added_up() -> None:
    (blocker,), warnings = found(machine("web", disk(1, 600), disk(2, 425)))
    assert (blocker.vm, blocker.code) == ("/DC0/vm/web", "capacity")
    assert blocker.message == "the datastore ds1 has 1024 MiB free, and 1025 MiB are needed."
    assert not warnings


def test_the_vms_of_a_task_are_added_up_in_their_order() -> None:
    blockers, _ = found(machine("a", disk(1, 600)), machine("b", disk(1, 500)), machine("c", disk(1, 1)))
    assert [blocker.message.rpartition("and ")[2] for blocker in blockers] == [
        "1100 MiB are needed, with the VM before it.",
        "1101 MiB are needed, with the 2 VMs before it.",
    ]


def test_parents_may_be_needed() -> None:
    web = machine("web", disk(1, 10, 800), disk(2, 10, 300))
    needed = "The datastore ds1 has 1024 MiB free, and the move needs up to 1120 MiB, unless vCenter "
    blockers, warnings = found(web)
    assert not blockers
    assert warnings == {"vm-web": [needed + "finds the parents of the disks there."]}


def test_another_vcenter_gets_the_data_of_the_parents() -> None:
    blockers, warnings = found(machine("web", disk(1, 10, 800), disk(2, 10, 300)), away=True)
    assert [blocker.message.rpartition("and ")[2] for blocker in blockers] == ["1100 MiB are needed."]
    blockers, warnings = found(machine("web", disk(1, 400, 800)), away=True)
    assert not blockers
    assert "needs up to 1200 MiB, unless vCenter merges the disks with their parents." in warnings["vm-web"][0]


def test_a_common_parent_is_counted_once() -> None:
    assert found(machine("a", disk(1, 10, 800)), machine("b", disk(1, 10, 800))) == ([], {})


def test_a_disk_that_becomes_thick_needs_its_capacity() -> None:
    two = machine("web", disk(1, 10), disk(2, 10))
    assert found(two, provisioning="thin") == ([], {})
    assert [blocker.code for blocker in found(two, provisioning="thick")[0]] == ["capacity"]
    thick = machine("web", disk(1, 1100, provisioning="thick"))
    assert found(thick, provisioning="thin") == ([], {})
    assert len(found(thick)[0]) == 1


def test_a_disk_that_stays_or_whose_size_is_unknown_needs_nothing() -> None:
    assert found(machine("web", disk(1, 2000)), store="ds0") == ([], {})
    assert found(machine("web", disk(1, 2000)), store="ds0", away=True) == ([], {})
    assert found(machine("web", disk(1, 2000, file=None))) == ([], {})
    assert found(machine("web", disk(1, 2000)), store="elsewhere", away=True) == ([], {})

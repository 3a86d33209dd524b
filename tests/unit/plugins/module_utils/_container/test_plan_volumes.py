# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test when volumes are attached to container VMs and detached."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import (
    AttachVolume,
    DetachVolumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import AttachedVolume, NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from tests.support.builders.containers import IMAGES, desired_container, place_of, volume


def desire(*volumes: str, image: str = "image:0", **options: Any) -> DesiredContainer:
    return desired_container(image=image, networks=[{"name": "net0"}], volumes=list(volumes), **options)


def existing(desired: DesiredContainer, **changes: Any) -> Machine:
    """Return the machine as an earlier run for ``desired`` leaves it, with its volumes attached."""
    assert desired.config is not None
    place = place_of(desired.config)
    machine = new_machine(desired, desired.config, "web", IMAGES[0], place)
    document = {**(machine.document or {}), "id": "id-1"}
    attached = tuple(AttachedVolume(one["id"], one["unit"]) for one in document.get("volumes", ()))
    units = frozenset({0, 1, *(one.unit for one in attached if one.unit is not None)})
    status = {"state": "running", "health": "healthy"}
    known = {"moid": "vm-77", "container_id": "id-1", "power": ON, "document": document, "status": status}
    return replace(machine, **{**known, "volumes": attached, "scsi_units": units, **changes})


def plan(desired: DesiredContainer, machine: Machine | None = None, **users: str) -> list[Any]:
    assert desired.config is not None
    place = place_of(desired.config)
    place = replace(place, volumes=tuple(volume(one.name, **users) for one in place.volumes))
    image = IMAGES[desired.config.image == "image:1"]
    return list(plan_container(desired, ObservedContainer(machine=machine, image=image, place=place)))


def kinds(changes: list[Any]) -> list[str]:
    return [type(change).__name__ for change in changes]


def test_volumes_are_attached_before_the_first_start() -> None:
    changes = plan(desire("data:/data", "logs:/log"))
    assert kinds(changes) == ["Clone", "AttachVolume", "AttachVolume", "PowerOn"]
    documented = [(one["id"], one["unit"]) for one in changes[0].target.document["volumes"]]
    attached = [(one.volume.id, one.unit) for one in changes if isinstance(one, AttachVolume)]
    assert documented == attached == [("id-of-data", 2), ("id-of-logs", 3)]


def documented(option: str, **changes: Any) -> dict[str, Any]:
    """Return the document's volume of a new container, if the volume differs by these changes."""
    desired = desire(option)
    assert desired.config is not None
    place = place_of(desired.config)
    place = replace(place, volumes=tuple(replace(one, **changes) for one in place.volumes))
    clone, *_others = plan_container(desired, ObservedContainer(image=IMAGES[0], place=place))
    (found,) = clone.target.document["volumes"]
    return dict(found)


def test_a_copy_is_documented_with_its_origins() -> None:
    assert documented("copy:/data", origins=("id-of-data",))["origins"] == ["id-of-data"]
    assert "origins" not in documented("data:/data")


def test_a_file_system_other_than_ext4_is_documented() -> None:
    assert documented("data:/data", filesystem="xfs")["file_system"] == "xfs"
    assert "file_system" not in documented("data:/data")


def test_nothing_is_to_do_with_attached_volumes() -> None:
    assert plan(desire("data:/data"), existing(desire("data:/data"))) == []


def test_a_replacement_gets_the_volumes_after_its_predecessor_has_stopped() -> None:
    changes = plan(desire("data:/data", image="image:1"), existing(desire("data:/data")))
    assert kinds(changes) == ["Clone", "Stop", "DetachVolumes", "Destroy", "Promote", "AttachVolume", "PowerOn"]
    assert changes[2].unused == frozenset()


def test_all_first_class_disks_are_detached_before_a_vm_is_removed() -> None:
    machine = existing(desire("data:/data"))
    machine = replace(machine, volumes=(*machine.volumes, AttachedVolume("of-another", None)))
    removal = desired_container(state="absent")
    changes = list(plan_container(removal, ObservedContainer(machine=machine)))
    assert kinds(changes) == ["Stop", "DetachVolumes", "Destroy"]
    assert changes[1].describe() == "detach data, of-another from web"
    assert changes[2].machine.volumes == ()
    # Nothing is written to a disk that the container does not name.
    assert changes[1].unused == {"id-of-data"}


def test_a_new_volume_restarts_the_container_and_others_stay_at_their_units() -> None:
    changes = plan(desire("new:/new", "data:/data"), existing(desire("data:/data")))
    assert kinds(changes) == ["Stop", "Reconfigure", "AttachVolume", "PowerOn"]
    assert [(one["name"], one["unit"]) for one in changes[1].target.document["volumes"]] == [("new", 3), ("data", 2)]


def test_only_volumes_of_the_container_are_detached_from_it() -> None:
    machine = existing(desire("data:/data", "logs:/log"))
    machine = replace(machine, volumes=(*machine.volumes, AttachedVolume("of-another", 9)))
    changes = plan(desire("data:/data"), machine)
    assert kinds(changes) == ["Stop", "DetachVolumes", "Reconfigure", "PowerOn"]
    assert changes[1].ids == ("id-of-logs",)
    assert changes[1].unused == {"id-of-logs"}


def test_a_detached_volume_is_attached_again() -> None:
    machine = existing(desire("data:/data"), volumes=(), scsi_units=frozenset({0, 1}))
    assert kinds(plan(desire("data:/data"), machine)) == ["Stop", "AttachVolume", "PowerOn"]
    assert kinds(plan(desire("data:/data"), replace(machine, power=OFF))) == ["AttachVolume", "PowerOn"]


def planned_state(machine: Machine, *found: NamedVolume, state: str = "started") -> list[Any]:
    """Return the changes of a task that gives only a state, with the volumes that exist."""
    observed = ObservedContainer(machine=machine, lost_volumes=found)
    return list(plan_container(desired_container(state=state), observed))


def test_a_detached_volume_is_attached_again_by_a_task_that_gives_only_a_state() -> None:
    machine = existing(desire("data:/data", "logs:/log"))
    assert planned_state(machine) == []
    machine = replace(machine, volumes=machine.volumes[1:], scsi_units=machine.scsi_units - {2})
    changes = planned_state(machine, volume("data"))
    assert kinds(changes) == ["Stop", "AttachVolume", "PowerOn"]
    assert (changes[1].volume.name, changes[1].unit) == ("data", 2)
    assert kinds(planned_state(replace(machine, power=OFF), volume("data"))) == ["AttachVolume", "PowerOn"]
    # A task that starts nothing leaves it as it is, but one that finishes an interrupted restart does not.
    assert planned_state(machine, volume("data"), state="present") == []
    assert kinds(planned_state(machine, volume("data"), state="stopped")) == ["Stop"]
    owing = replace(machine, power=OFF, start_pending=True)
    assert kinds(planned_state(owing, volume("data"), state="present"))[:1] == ["AttachVolume"]


def test_a_detached_volume_that_cannot_be_attached_again_is_named() -> None:
    machine = existing(desire("data:/data"), volumes=(), scsi_units=frozenset({0, 1}))
    with pytest.raises(GantryError, match="mounts the volume data, whose disk id-of-data is not attached"):
        planned_state(machine)
    with pytest.raises(GantryError, match="The volume data is attached to the VM /dc/vm/db, and"):
        planned_state(machine, volume("data", **{"vm-5": "/dc/vm/db"}))
    with pytest.raises(GantryError, match="another disk is attached at its unit 2"):
        planned_state(replace(machine, scsi_units=frozenset({0, 1, 2})), volume("data"))


def test_a_volume_of_another_vm_is_refused() -> None:
    with pytest.raises(GantryError, match="The volume data is attached to the VM /dc/vm/db, and"):
        plan(desire("data:/data"), **{"vm-5": "/dc/vm/db"})
    assert plan(desire("data:/data"), existing(desire("data:/data")), **{"vm-77": "/dc/vm/web"}) == []


def test_a_snapshot_is_named_before_anything_is_changed() -> None:
    machine = existing(desire("data:/data"), snapshots=("backup of 2026-11-27 20:00 UTC",))
    for desired in (desire("data:/data", image="image:1"), desire()):
        with pytest.raises(GantryError, match="has the snapshot backup of 2026-11-27 20:00 UTC"):
            plan(desired, machine)
    assert kinds(plan(desire("data:/data", memory="512M"), machine)) == ["Stop", "Reconfigure", "PowerOn"]


def test_more_volumes_than_units_are_refused() -> None:
    with pytest.raises(GantryError, match="has 14 volumes, and its VM has room for 13"):
        plan(desire(*(f"v{number}:/v{number}" for number in range(14))))


def test_a_detachment_is_predicted() -> None:
    machine = existing(desire("data:/data"), power=OFF)
    observed = ObservedContainer(machine=machine)
    left = DetachVolumes("web", machine, ("id-of-data",)).project(observed).machine
    assert left is not None
    assert (left.volumes, left.scsi_units) == ((), {0, 1})

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test plans, by examples and properties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    AwaitStatus,
    Clone,
    Destroy,
    PowerOn,
    Promote,
    Reconfigure,
    Relocate,
    Stop,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import (
    drift_warnings,
    in_other_cluster,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    OFF,
    ON,
    SUSPENDED,
    ContainerAdapter,
    ContainerPlace,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
    Replacement,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_hot_add import HotAdd
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container, plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import needs_clone, new_machine
from tests.support.builders.containers import (
    CLUSTER,
    DATASTORES,
    FOLDERS,
    IMAGES,
    NETWORKS,
    OTHER_CLUSTER,
    PLACE,
    POOLS,
    SPARE,
    desired_container,
    entry,
)


def desire(state: str = "started", **options: Any) -> DesiredContainer:
    return desired_container(**{"image": "image:0", "networks": [{"name": "net0"}], "state": state, **options})


def existing(desired: DesiredContainer, power: str = ON, image: Image = IMAGES[0], name: str = "web") -> Machine:
    """Return the machine as an earlier run for ``desired`` leaves it."""
    assert desired.config is not None
    machine = new_machine(desired, desired.config, name, image, PLACE)
    machine = replace(machine, moid="vm-77", container_id="id-1", power=power)
    assert machine.document is not None
    return replace(
        machine, document={**machine.document, "id": "id-1"}, status={"state": "running", "health": "healthy"}
    )


def plan(desired: DesiredContainer, machine: Machine | None = None, **observed: Any) -> list[Any]:
    observed = {"image": IMAGES[0], "place": PLACE, **observed}
    return list(plan_container(desired, ObservedContainer(machine=machine, **observed)))


def nested_values(shown: Any) -> dict[str, Any]:
    """Return what a change shows of the VM."""
    (values,) = shown.values()
    return dict(values)


def kinds(changes: list[Any]) -> list[str]:
    return [type(change).__name__ for change in changes]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("present", ["Stop"]),
        ("stopped", ["Stop"]),
        ("started", ["Stop", "PowerOn"]),
        ("absent", ["Stop", "Destroy"]),
    ],
)
def test_the_vm_of_a_container_that_has_ended_is_powered_off_and_its_end_recorded(
    state: str, expected: list[str]
) -> None:
    ended = replace(existing(desire()), tools_running=True, status={"state": "exited", "exit_code": 3})
    changes = plan(desire(state), ended)
    assert kinds(changes) == expected
    assert changes[0].records is (state != "absent")


def test_a_final_status_without_tools_is_of_an_earlier_run() -> None:
    starting = replace(existing(desire()), status={"state": "exited", "exit_code": 3})
    assert kinds(plan(desire(), starting)) == ["AwaitStatus"]


def test_a_lost_document_is_restored_while_the_vm_is_off_only() -> None:
    lost = replace(existing(desire()), document_lost=True)
    assert plan(desire(), lost) == []
    assert kinds(plan(desire(), replace(lost, power=OFF))) == ["Reconfigure", "PowerOn"]


def test_a_missing_container_is_cloned_and_started() -> None:
    assert kinds(plan(desire())) == ["Clone", "PowerOn"]
    assert kinds(plan(desire("present"))) == kinds(plan(desire("stopped"))) == ["Clone"]
    assert plan(desire("absent")) == []


@pytest.mark.parametrize("state", ["present", "started", "healthy"])
def test_a_container_in_its_desired_state_is_not_changed(state: str) -> None:
    assert plan(desire(state), existing(desire())) == []


def completed_job(**options: Any) -> Machine:
    done = {"state": "exited", "exit_code": 0}
    return replace(existing(desire("completed", **options), power=OFF), status=done)


def test_a_job_runs_once() -> None:
    assert kinds(plan(desire("completed"))) == ["Clone", "PowerOn"]
    assert plan(desire("completed"), completed_job()) == []
    assert kinds(plan(desire("completed"), replace(completed_job(), power=ON, tools_running=True))) == ["Stop"]
    assert kinds(plan(desire("completed", labels={"a": "b"}), completed_job())) == ["Reconfigure"]
    assert kinds(plan(desire("completed", memory="512M"), completed_job())) == ["Reconfigure"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"env": {"A": "1"}}, ["Reconfigure", "PowerOn"]),
        ({"scratch_size": "2G"}, ["Clone", "Destroy", "Promote", "PowerOn"]),
        ({"restart": True}, ["PowerOn"]),
    ],
)
def test_a_job_runs_again_with_another_configuration(options: dict[str, Any], expected: list[str]) -> None:
    assert kinds(plan(desire("completed", **options), completed_job())) == expected


@pytest.mark.parametrize("code", [None, 3])
def test_a_job_without_a_good_end_runs_again(code: int | None) -> None:
    ended = replace(completed_job(), status={"state": "exited", "exit_code": code})
    assert kinds(plan(desire("completed"), ended)) == ["PowerOn"]


def test_a_job_that_was_changed_by_an_interrupted_run_runs_in_the_next() -> None:
    desired = desire("completed", env={"A": "1"})
    changed = plan(desired, completed_job())[0].target
    assert kinds(plan(desired, changed)) == ["PowerOn"]


def test_a_running_job_is_awaited() -> None:
    assert kinds(plan(desire("completed"), existing(desire()))) == ["AwaitStatus"]
    assert plan(desire("completed", wait=False), existing(desire())) == []


def test_a_job_that_would_never_end_is_refused() -> None:
    with pytest.raises(GantryError, match="restart_policy is always, with which a container does not end"):
        desire("completed", restart_policy="always")


def test_power_follows_the_state() -> None:
    assert kinds(plan(desire(), existing(desire(), OFF))) == ["PowerOn"]
    assert kinds(plan(desire(), existing(desire(), SUSPENDED))) == ["PowerOn"]
    assert kinds(plan(desire("stopped"), existing(desire()))) == ["Stop"]
    assert plan(desire("stopped"), existing(desire(), OFF)) == []
    assert plan(desire("present"), existing(desire(), OFF)) == []
    assert plan(desire("present"), existing(desire(), SUSPENDED)) == []
    assert kinds(plan(desire("absent"), existing(desire()))) == ["Stop", "Destroy"]


def test_a_running_container_is_suspended_and_no_other() -> None:
    wanted = desired_container(state="suspended")
    running = existing(desire())
    assert kinds(plan(wanted, running)) == ["Suspend"]
    assert plan(wanted, replace(running, power=SUSPENDED)) == []
    ended = replace(running, tools_running=True, status={"state": "exited", "exit_code": 3})
    for machine in (replace(running, power=OFF), ended):
        with pytest.raises(GantryError, match="web is not running, and only a running container can be suspended"):
            plan(wanted, machine)
    with pytest.raises(GantryError, match="state is suspended and image is given"):
        desire("suspended")


def test_what_vsphere_adds_to_a_running_vm_needs_no_restart() -> None:
    hot = {"cpu_hot_add": True, "memory_hot_add": True}
    machine = existing(desire(**hot))
    assert machine.hot_add == HotAdd(cpus=True, memory=True)
    machine = replace(machine, hot_add=replace(machine.hot_add, limit_mb=3072, step_mb=128))
    restarted = ["Stop", "Reconfigure", "PowerOn"]
    for options, expected in (
        ({"cpus": 2}, ["Reconfigure"]),
        ({"memory": "512M"}, ["Reconfigure"]),
        ({"memory": "3G", "cpus": 8, "labels": {"a": "b"}}, ["Reconfigure"]),
        ({"memory": "300M"}, restarted),
        ({"memory": "4G"}, restarted),
        ({"memory": "128M"}, restarted),
        ({"cpus": 2, "env": {"A": "b"}}, restarted),
        ({"cpus": 2, "memory": "128M"}, restarted),
    ):
        assert kinds(plan(desire(**hot, **options), machine)) == expected, options
    assert kinds(plan(desire(**hot, memory="512M"), replace(machine, hot_add=HotAdd(cpus=True)))) == restarted
    # Linux takes only whole blocks of 128 MiB.
    assert kinds(plan(desire(**hot, memory="320M"), replace(machine, memory_mb=192))) == restarted
    wide = replace(machine, cpus=2)
    assert kinds(plan(desire(**hot), wide)) == restarted


def test_hot_add_is_set_while_the_vm_is_off_and_stops_nothing() -> None:
    rigid = existing(desire())
    (recorded,) = plan(desire(cpu_hot_add=True), rigid)
    assert recorded.aspects == ["config", "config_hash"]
    off = replace(recorded.target, power=OFF)
    changed, _started = plan(desire(cpu_hot_add=True), off)
    assert changed.aspects == ["hot_add"]
    assert changed.target.hot_add == HotAdd(cpus=True)


FOLLOWING = {"state": "running", "health": "healthy", "follows": ["restart"]}


def test_a_guest_follows_another_restart_policy_while_it_runs() -> None:
    machine = replace(existing(desire()), status=FOLLOWING)
    wanted = desire(restart_policy="on-failure", restart_retries=3)
    (changed,) = plan(wanted, machine)
    assert changed.describe() == "reconfigure web: restart_policy, restart_retries"
    assert nested_values(changed.before()) == {"restart_policy": "no", "restart_retries": 0}
    assert nested_values(changed.after()) == {"restart_policy": "on-failure", "restart_retries": 3}
    # The guest uses the document of the highest revision.
    policy = {"policy": "on-failure", "max_retries": 3}
    assert changed.target.document == {**(machine.document or {}), "restart": policy, "revision": 1}
    assert plan(wanted, changed.target) == []
    (again,) = plan(desire("present"), changed.target)
    assert (again.target.document["restart"]["policy"], again.target.document["revision"]) == ("no", 2)
    # With a change that requires a restart there is one, and the later document is read at the start.
    stop, both, start = plan(desire(restart_policy="always", env={"A": "b"}), changed.target)
    assert kinds([stop, both, start]) == ["Stop", "Reconfigure", "PowerOn"]
    assert both.target.document["revision"] == 1
    # So it is while the VM is off.
    (off,) = plan(desire("stopped", restart_policy="always"), replace(machine, power=OFF))
    assert off.target.document["restart"]["policy"] == "always"
    assert "revision" not in off.target.document


def test_a_restart_policy_that_is_not_compared_stays() -> None:
    machine = replace(existing(desire()), status=FOLLOWING)
    ignored = {"comparisons": {"restart_policy": "ignore"}}
    assert plan(desire(restart_policy="always", **ignored), machine) == []


@pytest.mark.parametrize(
    ("past", "changes"),
    [
        # An earlier bootstrap, and one that has not reported yet.
        ({}, {"status": {"state": "running"}}),
        ({}, {"status": {}}),
        # The container has ended, and its VM stays on for a moment.
        ({}, {"status": {**FOLLOWING, "state": "exited"}, "tools_running": True}),
        # The guest may have been started with another document.
        ({}, {"document_lost": True}),
        # HA would start the VM without the changed document.
        ({"read_only": True}, {}),
        ({"writable": "tmpfs"}, {}),
    ],
)
def test_a_guest_that_does_not_follow_is_restarted_for_another_restart_policy(
    past: dict[str, Any], changes: dict[str, Any]
) -> None:
    machine = replace(existing(desire(**past)), **{"status": FOLLOWING, **changes})
    planned = plan(desire(**past, restart_policy="always"), machine)
    assert kinds(planned) == ["Stop", "Reconfigure", "PowerOn"]
    assert "revision" not in planned[1].target.document


def test_options_that_take_effect_at_a_start_are_changed_between_a_stop_and_a_start() -> None:
    for options in ({"env": {"A": "b"}}, {"memory": "512M"}, {"cpus": 2}, {"stop_timeout": 3}):
        assert kinds(plan(desire(**options), existing(desire()))) == ["Stop", "Reconfigure", "PowerOn"]
        assert kinds(plan(desire("present", **options), existing(desire()))) == ["Stop", "Reconfigure", "PowerOn"]
        assert kinds(plan(desire("stopped", **options), existing(desire()))) == ["Stop", "Reconfigure"]
        assert kinds(plan(desire("present", **options), existing(desire(), OFF))) == ["Reconfigure"]


def test_a_running_container_is_restarted_once_on_request() -> None:
    past = desire()
    for desired in (desire(restart=True), desired_container(restart=True)):
        assert kinds(plan(desired, existing(past))) == ["Stop", "PowerOn"]
        assert kinds(plan(desired, existing(past, OFF))) == ["PowerOn"]
    assert kinds(plan(desire(restart=True, labels={"a": "b"}), existing(past))) == ["Stop", "Reconfigure", "PowerOn"]
    assert kinds(plan(desire(restart=True, env={"A": "b"}), existing(past))) == ["Stop", "Reconfigure", "PowerOn"]
    replaced = kinds(plan(desire(restart=True, recreate=True), existing(past)))
    assert replaced == ["Clone", "Stop", "Destroy", "Promote", "PowerOn"]


@pytest.mark.parametrize("state", ["present", "stopped", "absent"])
def test_a_restart_is_only_for_a_container_that_runs(state: str) -> None:
    with pytest.raises(GantryError, match=f"restart is given with state: {state}"):
        desire(state, restart=True)


def test_labels_notes_and_an_alias_of_the_image_are_changed_while_it_runs() -> None:
    for options in ({"labels": {"a": "b"}}, {"notes": "ours"}, {"image": "image:same"}):
        assert kinds(plan(desire(**options), existing(desire()))) == ["Reconfigure"]


def test_a_folder_and_a_pool_are_moved_to_while_it_runs() -> None:
    place = replace(PLACE, folder=FOLDERS[1], pool=POOLS[1])
    assert kinds(plan(desire(), existing(desire()), place=place)) == ["MoveFolder", "MovePool"]


def test_another_cluster_is_drift_and_the_container_does_not_move_to_its_pool() -> None:
    place = replace(PLACE, cluster=OTHER_CLUSTER, pool=POOLS[1])
    for drift in ("warn", "ignore"):
        desired = desire(placement_drift=drift)
        assert plan(desired, existing(desired), place=place) == []
    with pytest.raises(GantryError, match=r"is in cluster C0, while cluster is C1\. .* with vm_vmotion"):
        plan(desire(placement_drift="relocate"), existing(desire()), place=place)


def test_a_moved_container_is_left_there_or_moved_back_and_never_replaced() -> None:
    place = replace(PLACE, datastore=DATASTORES[1])
    for drift in ("warn", "ignore"):
        assert plan(desire(placement_drift=drift), existing(desire()), place=place) == []
    (change,) = plan(desire(placement_drift="relocate"), existing(desire()), place=place)
    assert isinstance(change, Relocate)
    assert change.describe() == "relocate web to datastore shared1, with a copy of the image's disk"
    assert (change.before(), change.after()) == ({"web": {"datastore": "shared0"}}, {"web": {"datastore": "shared1"}})
    shared = plan(
        desire(placement_drift="relocate"), existing(desire()), place=place, image_datastores=frozenset({"ds1"})
    )
    assert shared[0].shares_image
    assert "sharing the image's disk there" in shared[0].describe()


def test_a_moved_container_is_reported_by_a_warning_only() -> None:
    place = replace(PLACE, datastore=DATASTORES[1], cluster=OTHER_CLUSTER)
    observed = ObservedContainer(machine=existing(desire()), image=IMAGES[0], place=place)
    datastore, cluster = drift_warnings(desire(), observed)
    for word in ("shared0", "shared1", "placement_drift: relocate"):
        assert word in datastore
    for word in ("C0", "C1", "vm_vmotion"):
        assert word in cluster
    assert drift_warnings(desire(placement_drift="ignore"), observed) == []
    assert drift_warnings(desire(), replace(observed, place=PLACE)) == []
    assert drift_warnings(desire(), ObservedContainer(place=place, image=IMAGES[0])) == []


def test_a_scratch_disk_changed_by_another_client_is_kept_and_reported() -> None:
    grown = replace(existing(desire()), scratch_bytes=16 << 30)
    assert plan(desire(), grown) == []
    (warning,) = drift_warnings(desire(), ObservedContainer(machine=grown, image=IMAGES[0], place=PLACE))
    assert "recreate" in warning
    assert plan(desire(scratch_size="16G"), grown)[0].target.scratch_bytes == 16 << 30
    assert "Clone" not in kinds(plan(desire(scratch_size="16G"), grown))


def test_a_missing_scratch_disk_is_created() -> None:
    lost = replace(existing(desire()), scratch_bytes=None)
    changes = plan(desire(), lost)
    assert kinds(changes) == ["Stop", "Reconfigure", "PowerOn"]
    assert changes[1].describe() == "reconfigure web: scratch_size"


def test_keys_that_were_removed_are_written_again_from_the_guest_document() -> None:
    partly = replace(existing(desire()), container_id=None, digest=None, disk=None)
    (change,) = plan(desire(), partly)
    assert isinstance(change, Reconfigure)
    assert (change.target.container_id, change.target.digest, change.target.disk) == ("id-1", "sha256:0", "disk0")


def test_a_container_that_has_lost_its_id_is_replaced() -> None:
    lost = replace(existing(desire()), container_id=None, document=None)
    assert plan(desire(), lost)[0].reason == "its id is lost"


def test_a_new_image_creates_a_successor_before_the_old_vm_is_removed() -> None:
    changes = plan(desire(), existing(desire(), image=IMAGES[1]))
    assert kinds(changes) == ["Clone", "Stop", "Destroy", "Promote", "PowerOn"]
    assert changes[0].target.name == "web-gantry-next"
    assert changes[2].machine.name == "web"


@pytest.mark.parametrize(
    "options", [{"scratch_size": "1G"}, {"writable": "tmpfs"}, {"read_only": True}, {"recreate": True}]
)
def test_another_writable_layer_or_recreate_replaces(options: dict[str, Any]) -> None:
    assert kinds(plan(desire(**options), existing(desire()))) == ["Clone", "Stop", "Destroy", "Promote", "PowerOn"]


def test_a_replacement_killed_after_the_clone_continues_with_its_successor() -> None:
    old = existing(desire(), image=IMAGES[1])
    successor = replace(existing(desire(), OFF, name="web-gantry-next"), moid="vm-78")
    assert kinds(plan(desire(), old, successors=(successor,))) == ["Stop", "Destroy", "Promote", "PowerOn"]


def test_a_successor_for_another_configuration_is_changed_or_created_again() -> None:
    old = existing(desire(), image=IMAGES[1])
    other_env = replace(existing(desire(env={"A": "b"}), OFF, name="web-gantry-next"), moid="vm-78")
    assert kinds(plan(desire(), old, successors=(other_env,)))[0] == "Reconfigure"
    other_image = replace(existing(desire(), OFF, IMAGES[1], "web-gantry-next"), moid="vm-78")
    assert kinds(plan(desire(), old, successors=(other_image,)))[:2] == ["Destroy", "Clone"]


def test_a_suspended_container_that_an_earlier_run_was_to_start_stays_off_when_it_is_replaced() -> None:
    machine = replace(existing(desire("present"), SUSPENDED), start_pending=True)
    changes = plan(desire("present", recreate=True), machine)
    assert kinds(changes) == ["Clone", "Stop", "Destroy", "Promote"]
    assert not changes[1].pending_after


def test_a_replacement_killed_before_the_rename_continues_with_it() -> None:
    successor = replace(existing(desire(), OFF, name="web-gantry-next"), moid="vm-78")
    assert kinds(plan(desire(), None, successors=(successor,))) == ["Promote", "PowerOn"]
    assert kinds(plan(desired_container(state="started"), None, successors=(successor,))) == ["Promote", "PowerOn"]


def test_a_successor_that_is_no_longer_needed_is_removed() -> None:
    successor = replace(existing(desire(), OFF, name="web-gantry-next"), moid="vm-78")
    assert kinds(plan(desire(), existing(desire()), successors=(successor,))) == ["Destroy"]
    assert kinds(plan(desire("absent"), existing(desire(), OFF), successors=(successor,))) == ["Destroy", "Destroy"]


@pytest.mark.parametrize("state", ["present", "started", "stopped", "absent"])
def test_a_vm_that_the_collection_did_not_create_is_never_changed(state: str) -> None:
    for kind in (None, "image", "successor"):
        foreign = replace(existing(desire()), kind=kind)
        with pytest.raises(GantryError, match="left alone"):
            plan(desire(state), foreign)


def test_managing_only_the_state_needs_a_container() -> None:
    with pytest.raises(GantryError, match="Give image to create it"):
        plan(desired_container(state="started"))
    assert plan(desired_container(state="absent")) == []
    assert kinds(plan(desired_container(state="stopped"), existing(desire()))) == ["Stop"]


def test_a_stop_uses_the_containers_own_timeout_unless_one_is_given() -> None:
    machine = existing(desire(stop_timeout=42))
    assert plan(desired_container(state="stopped"), machine)[0].timeout == 42
    assert plan(desired_container(state="stopped", stop_timeout=1), machine)[0].timeout == 1


def test_healthy_waits_for_a_running_container_and_needs_a_health_check() -> None:
    starting = replace(existing(desire()), status={"state": "running", "health": "starting"})
    assert kinds(plan(desire("healthy"), starting)) == ["AwaitStatus"]
    assert plan(desire("healthy", wait=False), starting) == []
    assert plan(desire("healthy"))[-1].wait_for == "healthy"
    with pytest.raises(GantryError, match="no health check"):
        plan(desire("healthy", healthcheck={"test": "NONE"}))


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"bootstrap": None}, "bootstrap"),
    ({"bootstrap_connected": False}, "bootstrap_connected"),
    ({"bootstrap_missing": True}, "bootstrap, bootstrap_missing"),
    ({"boot_order": ("disk", "cdrom")}, "boot_order"),
    ({"adapters": (ContainerAdapter(4000, "net0", "m0", "net0", connected=False),)}, "network_adapters"),
    ({"firmware": "efi"}, "firmware"),
    ({"secure_boot": True}, "secure_boot"),
    ({"disk_uuid": False}, "disk_uuid"),
    ({"scratch_bytes": None}, "scratch_size"),
]


def broken(power: str, changes: dict[str, Any]) -> Machine:
    machine = replace(existing(desire(), power), adapters=(ContainerAdapter(4000, "net0", "m0", "net0"),))
    return replace(machine, **{"firmware": "bios", **changes})


@pytest.mark.parametrize(("changes", "words"), BROKEN)
def test_a_vm_is_repaired_before_it_is_started(changes: dict[str, Any], words: str) -> None:
    stopped = broken(OFF, changes)
    image = replace(IMAGES[0], firmware="bios")
    planned = plan(desire(), stopped, image=image, spare_bootstrap=SPARE)
    assert kinds(planned) == ["Reconfigure", "PowerOn"]
    assert planned[0].describe() == f"reconfigure web: {words}"
    assert planned[0].before() != planned[0].after()
    if "scratch_bytes" in changes or "firmware" in changes:
        return
    # The same without a configuration.
    state_only = plan(desired_container(state="started"), stopped, image=None, place=None, spare_bootstrap=SPARE)
    assert [change.describe() for change in state_only] == [f"reconfigure web: {words}", "start web"]
    assert kinds(plan(desired_container(state="stopped"), stopped, image=None, place=None)) == []


@pytest.mark.parametrize(("changes", "_words"), BROKEN[:5])
def test_a_running_container_is_repaired_while_it_runs(changes: dict[str, Any], _words: str) -> None:
    running = broken(ON, changes)
    assert kinds(plan(desire(), running, spare_bootstrap=SPARE)) == ["Reconfigure"]


@pytest.mark.parametrize(("changes", "_words"), BROKEN[5:8])
def test_settings_that_only_matter_at_a_start_wait_for_one(changes: dict[str, Any], _words: str) -> None:
    running, image = broken(ON, changes), replace(IMAGES[0], firmware="bios")
    assert plan(desire(), running, image=image) == []
    restarted = plan(desire(env={"A": "b"}), running, image=image)
    assert kinds(restarted) == ["Stop", "Reconfigure", "PowerOn"]
    assert getattr(restarted[1].target, next(iter(changes))) == getattr(broken(ON, {}), next(iter(changes)))


@pytest.mark.parametrize("status", [None, {"state": "exited", "exit_code": 0}])
def test_a_vm_started_without_its_bootstrap_is_restarted(status: dict[str, Any] | None) -> None:
    for changes in ({"bootstrap_connected": False}, {"bootstrap": None}, {"boot_order": ("disk",)}):
        machine = broken(ON, {**changes, "status": status})
        assert kinds(plan(desire(), machine, spare_bootstrap=SPARE)) == ["Stop", "Reconfigure", "PowerOn"]
        state_only = plan(desired_container(state="started"), machine, image=None, place=None, spare_bootstrap=SPARE)
        assert kinds(state_only) == ["Stop", "Reconfigure", "PowerOn"]


def test_the_iso_of_the_task_is_put_into_the_drive() -> None:
    place = replace(PLACE, bootstrap="[shared0] b.iso")
    changes = plan(desire(bootstrap="[shared0] b.iso"), existing(desire()), place=place)
    assert kinds(changes) == ["Stop", "Reconfigure", "PowerOn"]
    emptied = plan(desire(bootstrap="[shared0] b.iso"), broken(OFF, {"bootstrap": None}), place=place)
    assert emptied[0].target.bootstrap == "[shared0] b.iso"


@pytest.mark.parametrize("state", ["booting", "restarting", "stopping", None, "exited", "error"])
def test_a_running_vm_is_not_yet_a_running_container(state: str | None) -> None:
    machine = replace(existing(desire()), status=None if state is None else {"state": state})
    (change,) = plan(desire(), machine)
    assert isinstance(change, AwaitStatus)
    assert change.wait_for == "running"
    assert change.describe() == "wait until web is running"
    assert change.before() != change.after()
    assert kinds(plan(desired_container(state="started"), machine)) == ["AwaitStatus"]
    assert plan(desire(wait=False), machine) == []
    assert plan(desire("present"), machine) == []


def test_firmware_that_needs_more_memory_is_refused_by_name() -> None:
    uefi = replace(IMAGES[0], firmware="efi")
    assert kinds(plan(desire(memory="256M"), image=uefi)) == ["Clone", "PowerOn"]
    with pytest.raises(GantryError, match=r"memory is 252 MiB, .* UEFI .* at least 256 MiB"):
        plan(desire(memory="252M"), image=uefi)
    assert kinds(plan(desire(memory="96M"), image=replace(uefi, firmware="bios"))) == ["Clone", "PowerOn"]


@pytest.mark.parametrize("power", [ON, SUSPENDED])
def test_a_container_to_be_stopped_is_repaired_once_it_is_off(power: str) -> None:
    machine = replace(existing(desire(), power), disk_uuid=False, bootstrap_connected=False)
    changes = plan(desire("stopped"), machine)
    assert kinds(changes) == ["Stop", "Reconfigure"]
    assert plan(desire("stopped"), changes[-1].target) == []


def test_tampering_with_the_spec_is_repaired() -> None:
    machine = existing(desire())
    assert machine.document is not None
    tampered = replace(machine, document={**machine.document, "hostname": "evil"})
    changes = plan(desire(), tampered)
    assert kinds(changes) == ["Stop", "Reconfigure", "PowerOn"]
    assert "evil" not in str(changes[1].before())
    assert changes[1].after() == {"web": {"record": "as configured"}}


def test_memory_changed_in_vcenter_is_restored() -> None:
    assert kinds(plan(desire(), replace(existing(desire()), memory_mb=2048))) == ["Stop", "Reconfigure", "PowerOn"]


def test_several_adapters_are_identified_by_their_macs() -> None:
    desired = desire(networks=[{"name": "net0"}, {"name": "net1"}])
    place = replace(PLACE, networks=(NETWORKS[0], NETWORKS[1]))
    one = existing(desire())
    changes = plan(desired, one, place=place)
    assert kinds(changes) == ["Stop", "Reconfigure", "PowerOn"]
    added = changes[1].target
    assert [adapter.network for adapter in added.adapters] == ["net0", "net1"]
    known = replace(added, adapters=tuple(replace(a, mac=f"m{n}") for n, a in enumerate(added.adapters)), power=ON)
    again = plan(desired, known, place=place)
    assert [entry["mac"] for entry in again[1].target.document["networks"]] == ["m0", "m1"]


def test_the_values_of_variables_are_in_no_diff() -> None:
    machine = existing(desire(env={"PASSWORD": "hunter2", "OLD": "s3cret"}))
    observed = ObservedContainer(machine=machine, image=IMAGES[0], place=PLACE)
    diff = plan_containers([(desire(env={"PASSWORD": "hunter3", "NEW": "s4cret"}), observed)]).diff()
    assert diff["before"]["web"]["env"].keys() == {"PASSWORD", "OLD"}
    assert diff["after"]["web"]["env"].keys() == {"PASSWORD", "NEW"}
    assert diff["before"]["web"]["env"]["PASSWORD"] != diff["after"]["web"]["env"]["PASSWORD"]
    for secret in ("hunter", "cret"):
        assert secret not in str(diff)
    created = plan_containers([(desire(env={"PASSWORD": "hunter3"}), ObservedContainer(None, (), IMAGES[0], PLACE))])
    assert "hunter" not in str(created.diff())


# -- properties

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["image:0", "image:1"]),
        "env": st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["1", "2"])),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "2"])),
        "memory": st.sampled_from(["128M", "256M"]),
        "cpus": st.integers(1, 2),
        "networks": st.lists(st.sampled_from([{"name": "net0"}, {"name": "net1"}]), max_size=2),
        "command": st.sampled_from(["a", "b"]),
        "writable": st.sampled_from(["disk", "tmpfs"]),
        "notes": st.sampled_from(["one", "two"]),
        "stop_timeout": st.integers(0, 2),
        "restart_policy": st.sampled_from(["no", "always"]),
        "wait": st.booleans(),
        "scratch_size": st.sampled_from(["1G", "2G"]),
        "placement_drift": st.sampled_from(["relocate", "warn", "ignore"]),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> DesiredContainer:
    state = draw(st.sampled_from(["present", "started", "healthy", "completed", "stopped", "absent"]))
    options = draw(OPTIONS)
    if state == "completed":
        options.pop("restart_policy", None)
    return desire(state, **options)


@st.composite
def places(draw: st.DrawFn, desired: DesiredContainer) -> ContainerPlace:
    assert desired.config is not None
    by_name = {network.name: network for network in NETWORKS}
    return replace(
        PLACE,
        networks=tuple(by_name[network.name] for network in desired.config.networks),
        folder=draw(st.sampled_from(FOLDERS)),
        pool=draw(st.sampled_from(POOLS)),
        datastore=draw(st.sampled_from(DATASTORES)),
    )


@st.composite
def machines(draw: st.DrawFn, name: str, kind: str) -> Machine:
    """Draw a machine as earlier runs with other options, or changes by other clients, may have left it."""
    past = desire(**draw(OPTIONS))
    assert past.config is not None
    image = IMAGES[past.config.image == "image:1"]
    machine = new_machine(past, past.config, name, image, draw(places(past)))
    return replace(
        machine,
        moid=f"vm-of-{name}",
        kind=kind,
        container_id=draw(st.sampled_from(["id-1", None])),
        power=draw(st.sampled_from([ON, OFF, SUSPENDED])) if kind == "container" else OFF,
        document=draw(st.sampled_from([machine.document, None, {"hostname": "edited"}])),
        config=draw(st.sampled_from([machine.config, None])),
        memory_mb=draw(st.sampled_from([128, 999])),
        status=draw(
            st.sampled_from(
                [
                    None,
                    {"state": "running", "health": "healthy"},
                    FOLLOWING,
                    {"state": "exited", "exit_code": 0},
                    {"state": "exited", "exit_code": 3},
                ]
            )
        ),
        tools_running=draw(st.booleans()),
        document_lost=draw(st.booleans()),
        adapters=tuple(
            replace(a, key=4000 + n, mac=f"mac{n}", connected=draw(st.booleans()))
            for n, a in enumerate(machine.adapters)
        ),
        bootstrap=draw(st.sampled_from([machine.bootstrap, None])),
        bootstrap_connected=draw(st.booleans()),
        bootstrap_missing=draw(st.booleans()),
        boot_order=draw(st.sampled_from([("cdrom",), (), ("disk",)])),
        secure_boot=draw(st.booleans()),
        disk_uuid=draw(st.booleans()),
        start_pending=draw(st.booleans()),
    )


REPLACEMENTS = st.builds(Replacement, starts_first=st.booleans(), keeps=st.booleans(), drain=st.sampled_from([0, 5]))


@st.composite
def situations(draw: st.DrawFn) -> tuple[DesiredContainer, ObservedContainer]:
    desired = replace(draw(requests()), replacement=draw(REPLACEMENTS))
    assert desired.state == "absent" or desired.config is not None
    if desired.config is None:
        image, place = None, None
    else:
        image, place = IMAGES[desired.config.image == "image:1"], draw(places(desired))
    return desired, ObservedContainer(
        machine=draw(st.none() | machines("web", "container")),
        successors=draw(st.lists(machines("web-gantry-next", "successor"), max_size=1).map(tuple)),
        predecessors=draw(st.lists(machines("web-gantry-previous", "predecessor"), max_size=1).map(tuple)),
        image=image,
        place=place,
        spare_bootstrap=SPARE,
    )


def after(changes: tuple[Any, ...], observed: ObservedContainer) -> ObservedContainer:
    for change in changes:
        observed = change.project(observed)
    return observed


@settings(max_examples=300, deadline=None)
@given(situations())
def test_a_plan_leads_to_the_desired_state_and_a_second_plan_is_empty(
    situation: tuple[DesiredContainer, ObservedContainer],
) -> None:
    desired, observed = situation
    final = after(plan_container(desired, observed), observed)
    assert plan_container(desired, final) == ()
    assert final.successors == final.predecessors == ()
    if desired.state == "absent":
        assert final.machine is None
        return
    assert final.machine is not None
    assert desired.config is not None
    assert final.image is not None
    assert final.machine.name == "web"
    assert final.machine.kind == "container"
    assert final.machine.digest == final.image.digest
    assert final.machine.config == desired.config.document()
    assert final.machine.memory_mb == desired.config.memory_mb
    if all(machine.config is not None for machine in observed.machines):
        assert final.machine.scratch_bytes == desired.config.scratch_bytes
    if desired.state == "completed":
        assert final.machine.has_completed or not desired.wait
    elif desired.wants_running:
        assert final.machine.power == ON
    if final.machine.power != SUSPENDED:
        assert final.machine.bootstrap
        assert final.machine.bootstrap_connected
        assert not final.machine.bootstrap_missing
        assert final.machine.boot_order[0] == "cdrom"
        assert final.machine.adapters_connected
    if desired.state == "stopped":
        assert final.machine.power == OFF
    if final.machine.power != SUSPENDED:
        assert not final.machine.start_pending


@settings(max_examples=300, deadline=None)
@given(situations(), st.data())
def test_a_run_killed_anywhere_is_finished_by_the_next(
    situation: tuple[DesiredContainer, ObservedContainer], data: st.DataObject
) -> None:
    desired, observed = situation
    changes = plan_container(desired, observed)
    reached = after(changes[: data.draw(st.integers(0, len(changes)))], observed)
    final = after(plan_container(desired, reached), reached)
    assert plan_container(desired, final) == ()
    assert final.successors == final.predecessors == ()
    assert (final.machine is None) == (desired.state == "absent")
    uninterrupted = after(changes, observed).machine
    if final.machine is not None and uninterrupted is not None:
        assert final.machine.power == uninterrupted.power


@settings(max_examples=300, deadline=None)
@given(situations())
def test_the_old_vm_is_removed_only_after_its_successor_exists_and_no_running_vm_is_destroyed_or_reconfigured(
    situation: tuple[DesiredContainer, ObservedContainer],
) -> None:
    desired, observed = situation
    seen = observed
    for change in plan_container(desired, observed):
        if isinstance(change, Destroy):
            assert change.machine.kind in ("container", "successor", "predecessor")
            assert change.machine.power == OFF
            if desired.state != "absent" and change.machine.name == "web":
                # An update that is not over is undone with the VM that it has replaced.
                assert seen.successors or seen.predecessors, "it was removed before what takes its place existed"
        if isinstance(change, Promote):
            assert seen.machine is None
        if isinstance(change, Reconfigure) and change.machine.document != change.target.document:
            assert change.machine.power == OFF or change.machine.follows_restart
        if isinstance(change, Stop):
            assert change.machine.power != OFF
        if isinstance(change, Clone):
            assert needs_clone(desired, observed)
        if isinstance(change, PowerOn):
            assert change.machine in (seen.machine, *seen.successors)
            assert change.machine.power != ON
        seen = change.project(seen)


@settings(max_examples=200, deadline=None)
@given(situations())
def test_every_change_has_a_description_and_a_diff(situation: tuple[DesiredContainer, ObservedContainer]) -> None:
    plan = plan_containers([situation])
    assert all(plan.actions())
    diff = plan.diff()
    assert (diff["before"] != diff["after"]) == plan.changed


# The effects of other clients on a machine: moves, edits and lost keys.
MEDDLING: dict[str, st.SearchStrategy[Any]] = {
    "datastore": st.sampled_from(DATASTORES),
    "cluster": st.sampled_from([CLUSTER, OTHER_CLUSTER, None]),
    "pool": st.sampled_from(POOLS),
    "folder": st.sampled_from(FOLDERS),
    "host": st.sampled_from([None, entry("h0", "HostSystem", "esx1"), entry("h1", "HostSystem", "esx2")]),
    "image": st.sampled_from(["image:0", "image:same", None]),
    "digest": st.sampled_from(["sha256:0", None]),
    "disk": st.sampled_from(["disk0", "disk9", None]),
    "container_id": st.sampled_from(["id-1", None]),
    "config": st.none(),
    "config_hash": st.none(),
    "labels": st.just({}),
    "scratch_bytes": st.sampled_from([8 << 30, 16 << 30, 1 << 30, None]),
    "memory_mb": st.sampled_from([64, 4096]),
    "bootstrap": st.sampled_from(["[shared1] other.iso", None]),
    "bootstrap_connected": st.booleans(),
    "bootstrap_missing": st.booleans(),
    "boot_order": st.sampled_from([(), ("disk",), ("cdrom", "disk")]),
    "firmware": st.sampled_from(["bios", "efi"]),
    "secure_boot": st.booleans(),
    "disk_uuid": st.booleans(),
    "document": st.sampled_from([{"id": "id-1"}, {"id": "id-1", "hostname": "edited"}]),
    "status": st.sampled_from([None, {"state": "exited"}, {"state": "running"}, {"state": "restarting"}]),
    "adapters": st.just(()),
    "power": st.sampled_from([ON, OFF, SUSPENDED]),
}


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["present", "started", "healthy", "stopped"]),
    st.fixed_dictionaries({}, optional={"placement_drift": st.sampled_from(["relocate", "warn", "ignore"])}),
    st.fixed_dictionaries({}, optional=MEDDLING),
    st.sampled_from(["image:0", "image:same"]),
    st.data(),
)
def test_no_change_by_another_client_replaces_a_container(
    state: str, options: dict[str, Any], meddled: dict[str, Any], reference: str, data: st.DataObject
) -> None:
    desired = desire(state, image=reference, **options)
    machine = replace(existing(desire()), **meddled)
    place = replace(data.draw(places(desired)), cluster=data.draw(st.sampled_from([CLUSTER, OTHER_CLUSTER, None])))
    if options.get("placement_drift") == "relocate" and in_other_cluster(machine, place):
        with pytest.raises(GantryError, match="relocate does not move a container between clusters"):
            plan(desired, machine, place=place)
    else:
        assert not {"Clone", "Destroy", "Promote"} & set(kinds(plan(desired, machine, place=place)))


@settings(max_examples=300, deadline=None)
@given(OPTIONS, OPTIONS, st.booleans())
def test_only_an_image_a_scratch_size_or_recreate_replaces(
    past: dict[str, Any], now: dict[str, Any], recreate: bool
) -> None:
    before, desired = desire(**past), desire(recreate=recreate, **now)
    assert before.config is not None
    assert desired.config is not None
    old_image, image = (IMAGES[config.image == "image:1"] for config in (before.config, desired.config))
    networks = tuple(NETWORKS[int(network.name[-1])] for network in desired.config.networks)
    machine = new_machine(
        before,
        before.config,
        "web",
        old_image,
        replace(PLACE, networks=tuple(NETWORKS[int(network.name[-1])] for network in before.config.networks)),
    )
    machine = replace(machine, moid="vm-77", container_id="id-1", power=ON)
    changes = plan(desired, machine, image=image, place=replace(PLACE, networks=networks))
    layer = before.config.scratch_bytes is not None and before.config.scratch_bytes != desired.config.scratch_bytes
    expected = desired.recreate or old_image != image or layer
    assert ("Destroy" in kinds(changes)) == expected

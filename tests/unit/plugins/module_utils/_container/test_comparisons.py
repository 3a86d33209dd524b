# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what an existing container keeps of its options, by comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Reconfigure
from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import drift_warnings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ON,
    DesiredContainer,
    Image,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import OPTIONS, REPLACE
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_comparisons import (
    parse_comparisons,
    takes_more,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import plain, restored
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_comparisons import (
    compared,
    kept_digest,
)
from tests.support.builders.containers import IMAGES, desired_container, place_of
from tests.unit.plugins.module_utils._container.test_options import CHANGED_OPTIONS, GUEST_OPERATIONS

REPLACING = {option.name for option in OPTIONS if option.effect == REPLACE}
IGNORE_ALL = {"*": "ignore"}
FULL: dict[str, Any] = {
    "networks": [
        {"name": "VM Network", "ipv4_address": "10.0.0.5/24", "gateway": "10.0.0.1", "aliases": ["web"]},
        {"name": "other", "ipv6_address": "fd00::5/64", "ipv6_gateway": "fd00::1", "mac_address": "00:50:56:00:00:01"},
    ],
    "healthcheck": {"test": ["CMD", "true"], "interval": "3s"},
    "tmpfs": ["/run:size=1M,mode=0700"],
    "volumes": ["data:/data:ro"],
    "mounts": [{"source": "more", "target": "/more", "no_copy": True}, {"type": "tmpfs", "target": "/tmp"}],
    "files": [{"target": "/etc/app.conf", "content": "a", "mode": "0600", "owner": "app"}],
    **GUEST_OPERATIONS,
}


def desire(**options: Any) -> DesiredContainer:
    return desired_container(**{"image": "image:0", **options})


def machine_of(desired: DesiredContainer, image: Image = IMAGES[0]) -> Machine:
    """Return the running machine that a task has made."""
    assert desired.config is not None
    machine = new_machine(desired, desired.config, desired.name, image, place_of(desired.config))
    assert machine.document is not None
    document = {**machine.document, "id": "id-1"}
    if machine.guest_operations is not None and desired.guest_key is not None:
        document["guest_operations"] = desired.guest_key.guest_field("id-1")
    return replace(
        machine,
        moid="vm-77",
        container_id="id-1",
        power=ON,
        document=document,
        status={"state": "running"},
    )


def changes(desired: DesiredContainer, machine: Machine, image: Image = IMAGES[0]) -> list[Any]:
    found = ObservedContainer(machine=machine, image=image)
    config = compared(desired, found).config
    assert config is not None
    return list(plan_container(desired, replace(found, place=place_of(config))))


def kinds(made: list[Any]) -> list[str]:
    return [type(change).__name__ for change in made]


@pytest.mark.parametrize("options", [*CHANGED_OPTIONS.values(), FULL], ids="-".join)
def test_a_record_is_restored_as_it_was(options: dict[str, Any]) -> None:
    config = desire(**options).config
    assert config is not None
    for name, value in config.values.items():
        assert plain(restored(name, plain(value))) == plain(value), name
        if name not in ("files", "secrets"):
            assert restored(name, plain(value)) == value, name


@pytest.mark.parametrize("name", CHANGED_OPTIONS)
def test_an_ignored_option_is_not_changed(name: str) -> None:
    options = {"comparisons": IGNORE_ALL, **CHANGED_OPTIONS[name]}
    there = desire(**{key: value for key, value in CHANGED_OPTIONS[name].items() if key in GUEST_OPERATIONS})
    machine, desired = machine_of(there), desire(**options)
    observed = ObservedContainer(machine=machine, image=IMAGES[0])
    # The image that a container keeps is found by the digest in its record.
    assert kept_digest(desired, machine) == machine.digest
    assert changes(desired, machine) == []
    assert compared(desired, observed) == compared(compared(desired, observed), observed)


# Another image or another writable layer replaces the container, which then gets all values of the task.
@pytest.mark.parametrize("name", [one for one in CHANGED_OPTIONS if one not in REPLACING])
def test_with_one_option_compared_only_it_is_changed(name: str) -> None:
    both = {"files": "strict", "secrets": "strict"} if name in ("files", "secrets") else {name: "strict"}
    if name == "restart_retries":
        both["restart_policy"] = "strict"
    task = {"env": {"B": "c"}, "labels": {"x": "y"}, **CHANGED_OPTIONS[name]}
    start = desire(**{key: value for key, value in task.items() if key in GUEST_OPERATIONS})
    made = changes(desire(**task, comparisons={**IGNORE_ALL, **both}), machine_of(start))
    (change,) = [change for change in made if isinstance(change, Reconfigure)]
    assert change.target.config is not None
    assert start.config is not None
    before, wanted = start.config.document(), desire(**task).config
    assert wanted is not None
    assert change.target.config == {**before, **{key: wanted.document()[key] for key in both}}


@pytest.mark.parametrize(
    ("option", "there", "given", "result"),
    [
        ("env", {"A": "1", "B": "2"}, {"B": "3", "C": "4"}, {"A": "1", "B": "3", "C": "4"}),
        ("groups", ["adm", "tty"], ["disk", "adm"], ["adm", "tty", "disk"]),
        ("published_ports", ["80"], ["443"], ["80/tcp", "443/tcp"]),
        ("ulimits", ["nofile:64"], ["nproc:9"], {"nofile": {"soft": 64, "hard": 64}, "nproc": {"soft": 9, "hard": 9}}),
    ],
)
def test_what_is_present_besides_is_kept(option: str, there: Any, given: Any, result: Any) -> None:
    comparisons = {option: "allow_more_present"}
    (change, *_rest) = [
        change
        for change in changes(desire(**{option: given}, comparisons=comparisons), machine_of(desire(**{option: there})))
        if isinstance(change, Reconfigure)
    ]
    assert change.target.config is not None
    assert change.target.config[option] == result
    # All that the task lists is there now.
    assert changes(desire(**{option: given}, comparisons=comparisons), replace(change.target, power=ON)) == []


def test_networks_and_mounts_are_told_apart_by_name_and_target() -> None:
    there = desire(networks=[{"name": "a"}, {"name": "b"}, {"name": "b"}], tmpfs=["/run:size=1M", "/tmp"])
    given = desire(
        networks=[{"name": "b", "ipv4_address": "10.0.0.5/24"}],
        tmpfs=["/run:size=2M"],
        comparisons={"networks": "allow_more_present", "tmpfs": "allow_more_present"},
    )
    config = compared(given, ObservedContainer(machine=machine_of(there), image=IMAGES[0])).config
    assert config is not None
    assert [(one.name, one.address) for one in config.networks] == [("a", None), ("b", "10.0.0.5/24"), ("b", None)]
    assert [(one.target, one.size) for one in config.tmpfs] == [("/run", 2 * MIB), ("/tmp", None)]


def test_a_container_that_is_replaced_gets_the_values_of_the_task() -> None:
    there = machine_of(desire(env={"A": "1"}, memory="512M"))
    task = desire(env={"A": "2"}, recreate=True, image="image:1", comparisons=IGNORE_ALL)
    assert kept_digest(task, there) is None
    made = changes(task, there, IMAGES[1])
    assert kinds(made)[0] == "Clone"
    assert made[0].target.config["env"] == {"A": "2"}
    assert made[0].target.memory_mb == 256
    # As does a new one.
    assert (
        plan_container(task, ObservedContainer(image=IMAGES[1], place=place_of(task.config)))[0].target.memory_mb == 256
    )  # type: ignore[arg-type, attr-defined]


def test_another_image_replaces_unless_it_is_ignored() -> None:
    there = machine_of(desire())
    assert kinds(changes(desire(image="image:1", comparisons={"env": "ignore"}), there, IMAGES[1]))[0] == "Clone"
    assert kept_digest(desire(image="image:1", comparisons={"image": "ignore"}), there) == IMAGES[0].digest


def test_sizes_that_others_have_changed_are_left_alone() -> None:
    there = machine_of(desire())
    grown = replace(there, memory_mb=1024, cpus=4, allocation={**there.allocation, "cpu_limit": 500})
    assert changes(desire(comparisons=IGNORE_ALL), grown) == []
    assert "Reconfigure" in kinds(changes(desire(), grown))


def test_files_that_are_ignored_stay_announced_and_are_not_delivered() -> None:
    there = desire(files=[{"target": "/a", "content": "old"}], **GUEST_OPERATIONS)
    machine = machine_of(there)
    other = {"files": [{"target": "/a", "content": "new"}], "labels": {"a": "b"}, **GUEST_OPERATIONS}
    ignored = {"files": "ignore", "secrets": "ignore"}
    (change,) = changes(desire(**other, comparisons=ignored), machine)
    assert change.target.document == machine.document
    stopped = replace(machine, power="poweredOff")
    assert changes(desire(**other, comparisons=ignored), stopped)[-1].files is None
    # With the same contents, the task can deliver them.
    same = {**other, "files": [{"target": "/a", "content": "old"}]}
    assert changes(desire(**same, comparisons=ignored), stopped)[-1].files is not None
    with pytest.raises(GantryError, match="keeps its files and secrets"):
        changes(desire(guest_operations=False, comparisons=ignored), machine)


def test_what_is_kept_must_fit_what_is_given() -> None:
    there = machine_of(desire(volumes=["data:/data"], memory="1G", memory_reservation="512M"))
    with pytest.raises(GantryError, match="the target /data is given twice"):
        changes(desire(tmpfs=["/data"], comparisons={"volumes": "ignore"}), there)
    with pytest.raises(GantryError, match="memory_reservation is 512 MiB"):
        changes(desire(memory="256M", comparisons={"memory_reservation": "ignore"}), there)


def test_no_warning_is_about_an_ignored_size() -> None:
    there = replace(machine_of(desire()), scratch_bytes=3 << 30)
    observed = ObservedContainer(machine=there, image=IMAGES[0], place=place_of(desire().config))  # type: ignore[arg-type]
    assert drift_warnings(desire(), observed)
    ignoring = desire(scratch_size="3G", comparisons={"scratch_size": "ignore"})
    assert len(drift_warnings(ignoring, observed)) == 1


def test_a_record_that_is_not_valid_is_an_error_and_a_lost_one_is_written_again() -> None:
    machine = machine_of(desire(networks=[{"name": "a"}]))
    spoiled = replace(machine, config={**(machine.config or {}), "networks": [{"nom": "a"}]})
    with pytest.raises(GantryError, match=r"record of container web \(gantry.config\)"):
        changes(desire(comparisons={"networks": "ignore"}), spoiled)
    lost = replace(machine, config=None)
    assert kinds(changes(desire(networks=[{"name": "a"}], comparisons=IGNORE_ALL), lost)) == ["Reconfigure"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"nets": "ignore"}, "Did you mean networks?"),
        ({"qqqqq": "ignore"}, "Its keys are '*', image, command"),
        ({"privileged": "ignore"}, "privileged is an option of docker_container that container_vm does not have"),
        ({"env": "loose"}, "compares 'env' by 'loose'"),
        ({"*": "allow_more_present"}, "Give strict or ignore."),
        ({"memory": "allow_more_present"}, "only for lists and dictionaries"),
        ({"command": "allow_more_present"}, "only for lists and dictionaries"),
        ({"files": "ignore"}, "ignores only one of files and secrets"),
        ({"env": True}, "compares 'env' by True"),
    ],
)
def test_invalid_comparisons_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(GantryError) as caught:
        parse_comparisons(given)
    assert words in caught.value.message


def test_comparisons_are_of_the_configuration_only() -> None:
    assert parse_comparisons(None) == {}
    assert parse_comparisons({"ports": "ignore", "env": "strict"}) == {"published_ports": "ignore"}
    everything = parse_comparisons({**IGNORE_ALL, "image": "strict"})
    assert everything.keys() == {option.name for option in OPTIONS} - {"image"}
    assert {option.name for option in OPTIONS if takes_more(option)} >= {"env", "labels", "networks", "volumes"}
    with pytest.raises(GantryError, match="comparisons given without image"):
        desired_container(comparisons={"env": "ignore"})

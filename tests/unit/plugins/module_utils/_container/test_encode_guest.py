# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the guest document: the image's and the container's configuration, merged as in Docker."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_guest import (
    encode_guest_document,
    healthcheck,
    process_args,
    process_env,
)
from tests.support.builders.containers import config_of

IMAGE = {"Entrypoint": ["/entry"], "Cmd": ["serve", "-v"]}


@pytest.mark.parametrize(
    ("options", "image", "args"),
    [
        ({}, IMAGE, ["/entry", "serve", "-v"]),
        ({"command": ["other"]}, IMAGE, ["/entry", "other"]),
        ({"command": []}, IMAGE, ["/entry", "serve", "-v"]),
        ({"entrypoint": ["/mine"]}, IMAGE, ["/mine"]),
        ({"entrypoint": ["/mine"], "command": "x y"}, IMAGE, ["/mine", "x", "y"]),
        ({"entrypoint": []}, IMAGE, ["serve", "-v"]),
        ({"entrypoint": [], "command": ["x"]}, IMAGE, ["x"]),
        ({"entrypoint": [""], "command": ["x"]}, IMAGE, ["x"]),
        ({}, {"Cmd": ["serve"]}, ["serve"]),
        ({"command": ["x"]}, {}, ["x"]),
        ({}, {"Entrypoint": None, "Cmd": ["serve"]}, ["serve"]),
    ],
)
def test_entrypoint_and_command_are_merged_as_docker_does(
    options: dict[str, Any], image: dict[str, Any], args: list[str]
) -> None:
    assert process_args(config_of(**options), image) == args


@pytest.mark.parametrize(("options", "image"), [({}, {}), ({"entrypoint": [""]}, IMAGE), ({"command": [""]}, {})])
def test_nothing_to_run_is_an_error(options: dict[str, Any], image: dict[str, Any]) -> None:
    with pytest.raises(GantryError, match="nothing to run"):
        process_args(config_of(**options), image)


@pytest.mark.parametrize(
    ("image", "field"),
    [
        ({"Cmd": "serve"}, "Cmd is a string"),
        ({"Env": "A=b"}, "Env is a string"),
        ({"Healthcheck": []}, "Healthcheck is"),
    ],
)
def test_a_wrong_type_in_the_configuration_of_a_template_is_refused_by_name(image: dict[str, Any], field: str) -> None:
    with pytest.raises(GantryError, match=f"The configuration of the image '.*' cannot be used: its field {field}"):
        encode_guest_document("web", config_of(), image, container_id="", digest="", disk="", macs=(None,))


def test_variables_of_the_container_override_those_of_the_image() -> None:
    env = process_env(config_of(env={"B": "mine", "C": "=x"}), {"Env": ["PATH=/bin", "A=1", "B=image", "EMPTY="]})
    assert env == ["PATH=/bin", "HOSTNAME=web", "A=1", "B=mine", "EMPTY=", "C==x"]


def test_a_container_has_a_path_even_if_its_image_has_none() -> None:
    assert process_env(config_of(), {})[0].startswith("PATH=/usr/local/sbin:")


def test_a_health_check_comes_from_the_image_in_nanoseconds() -> None:
    of_image = {"Healthcheck": {"Test": ["CMD-SHELL", "curl localhost"], "Interval": 1500000000, "Retries": 7}}
    assert healthcheck(config_of(), of_image) == {
        "test": ["CMD-SHELL", "curl localhost"],
        "interval": 1.5,
        "timeout": 30,
        "retries": 7,
        "start_period": 0,
        "start_interval": 5,
    }


def test_parts_of_a_health_check_can_be_overridden_or_all_of_it_disabled() -> None:
    of_image = {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 1500000000}}
    merged = healthcheck(config_of(healthcheck={"timeout": "2s"}), of_image)
    assert merged is not None
    assert (merged["test"], merged["interval"], merged["timeout"]) == (["CMD", "x"], 1.5, 2)
    assert healthcheck(config_of(healthcheck={"test": "NONE"}), of_image) is None
    assert healthcheck(config_of(), {"Healthcheck": {"Test": ["NONE"]}}) is None
    assert healthcheck(config_of(), {}) is None


def test_a_health_check_without_a_test_anywhere_is_an_error() -> None:
    with pytest.raises(GantryError, match="without test"):
        healthcheck(config_of(healthcheck={"timeout": "2s"}), {})


def test_the_images_own_shell_runs_its_health_check() -> None:
    merged = healthcheck(config_of(healthcheck={"test": "x y"}), {"Shell": ["/bin/bash", "-c"]})
    assert merged is not None
    assert merged["test"] == ["CMD", "/bin/bash", "-c", "x y"]


def spec_of(image: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    config = config_of(**options)
    return encode_guest_document(
        "web",
        config,
        {"Cmd": ["serve"]} if image is None else image,
        container_id="id-1",
        digest="sha256:aa",
        disk="bb",
        macs=tuple(network.mac for network in config.networks),
    )


def test_the_document_has_only_the_keys_of_the_contract() -> None:
    assert spec_of() == {
        "version": 1,
        "id": "id-1",
        "name": "web",
        "image": {"digest": "sha256:aa", "disk": "bb"},
        "process": {
            "args": ["serve"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=web"],
            "user": "",
            "groups": [],
            "cwd": "/",
            "capabilities": None,
        },
        "hostname": "web",
        "networks": [{"mac": None, "dhcp": True}],
        "dns": {"servers": [], "search": [], "options": []},
        "hosts": {},
        "root": {"read_only": False, "scratch": {"unit": 1}, "tmpfs_size": None},
        "tmpfs": [],
        "shm_size": 64 << 20,
        "stop": {"signal": "SIGTERM", "timeout": 10},
        "restart": {"policy": "no", "max_retries": 0},
        "healthcheck": None,
        "log": {"max_bytes": 1048576},
    }


def test_user_directory_and_signal_come_from_the_image_unless_given() -> None:
    image = {"Cmd": ["x"], "User": "nginx", "WorkingDir": "srv", "StopSignal": "QUIT"}
    spec = spec_of(image)
    assert (spec["process"]["user"], spec["process"]["cwd"], spec["stop"]["signal"]) == ("nginx", "/srv", "SIGQUIT")
    spec = spec_of(image, user="0", working_dir="/", stop_signal="SIGINT")
    assert (spec["process"]["user"], spec["process"]["cwd"], spec["stop"]["signal"]) == ("0", "/", "SIGINT")


def test_the_writable_layer_is_a_disk_memory_or_nothing() -> None:
    assert spec_of()["root"]["scratch"] == {"unit": 1}
    assert spec_of(writable="tmpfs", scratch_size="64M")["root"] == {
        "read_only": False,
        "scratch": None,
        "tmpfs_size": 64 << 20,
    }
    assert spec_of(read_only=True)["root"] == {"read_only": True, "scratch": None, "tmpfs_size": None}


def test_a_static_address_replaces_dhcp() -> None:
    networks = [{"name": "n", "ipv4_address": "10.0.0.5/24", "gateway": "10.0.0.1"}]
    assert spec_of(networks=networks)["networks"] == [
        {"mac": None, "dhcp": False, "address": "10.0.0.5/24", "gateway": "10.0.0.1"}
    ]

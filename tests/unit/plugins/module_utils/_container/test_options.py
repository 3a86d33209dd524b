# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the option table against the module's documentation, the guest's document types and actual plans."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import (
    LIVE,
    OPTIONS,
    REPLACE,
    RESTART,
    ContainerOption,
    container_argument_spec,
    info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_hooks import HOOK_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import HookOption
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from ansible_collections.gantry.vsphere.plugins.modules import container_vm, container_vm_info
from tests.support.builders.containers import IMAGES, desired_container, place_of
from tests.support.docs.shapes import option_shape

GUEST = Path(__file__).parents[5] / "guest" / "internal" / "spec" / "spec.go"
GUEST_OPERATIONS = {"guest_operations": True, "guest_key": "0123456789abcdef"}
# A change of each option, with the other options that it requires.
MOUNT_OPTIONS = next(option.argument["options"] for option in OPTIONS if option.name == "mounts")


def hook(command: str) -> dict[str, Any]:
    """Return a command of post_start or pre_stop."""
    return {"command": command, "user": None, "working_dir": None, "env": None}


CHANGED_OPTIONS: dict[str, dict[str, Any]] = {
    "image": {"image": "image:1"},
    "command": {"command": ["other"]},
    "entrypoint": {"entrypoint": ["/entry"]},
    "env": {"env": {"A": "b"}},
    "labels": {"labels": {"a": "b"}},
    "user": {"user": "1000"},
    "groups": {"groups": ["adm"]},
    "working_dir": {"working_dir": "/srv"},
    "container_hostname": {"container_hostname": "other"},
    "memory": {"memory": "512M"},
    "cpus": {"cpus": 2},
    "cpu_hot_add": {"cpu_hot_add": True},
    "memory_hot_add": {"memory_hot_add": True},
    "cpu_reservation": {"cpu_reservation": 500},
    "cpu_limit": {"cpu_limit": "2000"},
    "cpu_shares": {"cpu_shares": "high"},
    "memory_reservation": {"memory_reservation": "128M"},
    "memory_limit": {"memory_limit": "1G"},
    "memory_shares": {"memory_shares": "100"},
    "networks": {"networks": [{"name": "VM Network"}, {"name": "other"}]},
    "published_ports": {"published_ports": ["80:80"]},
    "dns_servers": {"dns_servers": ["10.0.0.1"]},
    "dns_search_domains": {"dns_search_domains": ["example.com"]},
    "dns_opts": {"dns_opts": ["ndots:2"]},
    "etc_hosts": {"etc_hosts": {"db": "10.0.0.2"}},
    "restart_policy": {"restart_policy": "always"},
    "restart_retries": {"restart_policy": "on-failure", "restart_retries": 2},
    "healthcheck": {"healthcheck": {"test": "true"}},
    "post_start": {"post_start": [hook("touch /run/started")]},
    "pre_stop": {"pre_stop": [hook("nginx -s quit")]},
    "stop_signal": {"stop_signal": "SIGINT"},
    "stop_timeout": {"stop_timeout": 3},
    "read_only": {"read_only": True},
    "writable": {"writable": "tmpfs"},
    "scratch_size": {"scratch_size": "1G"},
    "tmpfs": {"tmpfs": ["/run"]},
    "volumes": {"volumes": ["data:/data"]},
    "mounts": {"mounts": [{**dict.fromkeys(MOUNT_OPTIONS), "type": "tmpfs", "target": "/data"}]},
    "files": {"files": [{"target": "/etc/app.conf", "content": "a"}], **GUEST_OPERATIONS},
    "secrets": {"secrets": [{"name": "db", "content": "s"}], **GUEST_OPERATIONS},
    "shm_size": {"shm_size": "1G"},
    "capabilities": {"capabilities": ["NET_ADMIN"]},
    "cap_drop": {"cap_drop": ["CHOWN"]},
    "init": {"init": True},
    "ulimits": {"ulimits": ["nofile:64"]},
    "sysctls": {"sysctls": {"vm.swappiness": "10"}},
    "log_driver": {"log_driver": "syslog", "log_options": {"syslog-address": "udp://logs:514"}},
    "log_options": {"log_driver": "syslog", "log_options": {"syslog-address": "tcp://logs"}},
    "log_max_size": {"log_max_size": "2M"},
}


def documented(module: Any) -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(module.DOCUMENTATION)["options"]
    return options


@pytest.mark.parametrize(
    ("module", "argument_spec"),
    [(container_vm, container_argument_spec()), (container_vm_info, info_argument_spec())],
    ids=["container_vm", "container_vm_info"],
)
def test_the_documentation_has_the_options_of_the_argument_spec(module: Any, argument_spec: dict[str, Any]) -> None:
    described = documented(module)
    assert list(described) == list(argument_spec)
    for name, argument in argument_spec.items():
        assert option_shape(described[name], "suboptions") == option_shape(argument, "options"), name


@pytest.mark.parametrize(
    "option", [option for option in OPTIONS if option.default is not None], ids=lambda option: option.name
)
def test_the_documentation_has_the_default_of_an_option(option: ContainerOption) -> None:
    text = re.sub(r"\s+", " ", " ".join(documented(container_vm)[option.name]["description"]))
    default = option.default
    if isinstance(default, tuple):
        ((_key, default),) = default[0].items()
    assert f"V({str(default).lower() if isinstance(default, bool) else default})" in text


def struct_fields() -> dict[str, dict[str, str]]:
    """Return the JSON names and Go types of the fields of each type of the guest document."""
    structs = re.findall(r"^type (\w+) struct \{\n(.*?)^\}", GUEST.read_text(), re.MULTILINE | re.DOTALL)
    return {
        name: {key: kind.lstrip("*[]") for kind, key in re.findall(r'\s(\S+)\s+`json:"(\w+)"`', body)}
        for name, body in structs
    }


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.guest], ids=lambda option: option.name)
def test_the_guest_knows_the_fields_that_options_fill(option: ContainerOption) -> None:
    structs, name = struct_fields(), "Spec"
    for part in option.guest:
        assert part in structs[name], (option.name, name)
        name = structs[name][part]


def test_the_guest_knows_the_fields_of_hooks() -> None:
    structs = struct_fields()
    assert structs["Hook"].keys() == HookOption(("true",)).guest_document().keys()
    assert tuple(structs["Hooks"]) == HOOK_OPTIONS


def test_each_option_has_a_change() -> None:
    assert CHANGED_OPTIONS.keys() == {option.name for option in OPTIONS}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_change_takes_effect_as_the_table_says(option: ContainerOption) -> None:
    before, after = (
        desired_container(image="image:0"),
        desired_container(**{"image": "image:0", **CHANGED_OPTIONS[option.name]}),
    )
    assert before.config is not None
    assert after.config is not None
    assert before.config.hash() != after.config.hash()
    machine = new_machine(before, before.config, "web", IMAGES[0], place_of(before.config))
    machine = replace(machine, moid="vm-77", container_id="id-1", power=ON)
    machine = replace(machine, status={"state": "running", "follows": ["restart"]})
    machine = replace(machine, document={**(machine.document or {}), "id": "id-1"})
    observed = ObservedContainer(
        machine=machine, image=IMAGES[after.config.image == "image:1"], place=place_of(after.config)
    )
    kinds = [type(change).__name__ for change in plan_container(after, observed)]
    assert (
        kinds
        == {
            LIVE: ["Reconfigure"],
            RESTART: ["Stop", "Reconfigure", *(["AttachVolume"] if option.name == "volumes" else []), "PowerOn"],
            REPLACE: ["Clone", "Stop", "Destroy", "Promote", "PowerOn"],
        }[option.effect]
    )

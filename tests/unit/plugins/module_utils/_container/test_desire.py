# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the conversion of a task's options to the desired state."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json, parse_object
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import (
    NetworkOption,
    NfsOption,
    TmpfsOption,
    VolumeOption,
)
from tests.support.builders.containers import config_of, desired_container


def test_only_name_and_image_are_needed() -> None:
    desired = desired_container(image="nginx:1")
    assert desired.state == "started"
    assert desired.config is not None
    assert desired.config.memory_mb == 256
    assert desired.config.cpus == 1
    assert desired.config.networks == (NetworkOption("VM Network"),)
    assert desired.config.scratch_bytes == 8 << 30
    assert desired.config.hostname == "web"


def test_without_image_only_the_state_is_managed() -> None:
    assert desired_container(state="stopped").config is None
    with pytest.raises(GantryError, match="env, cpus given without image"):
        desired_container(state="stopped", env={"A": "b"}, cpus=2)


def test_absent_ignores_the_other_options() -> None:
    assert desired_container(state="absent", env={"A": "b"}).config is None


def mount(**given: Any) -> dict[str, Any]:
    """Return a mount as Ansible validates it."""
    names = ("source", "read_only", "no_copy", "volume_driver", "volume_options", "tmpfs_size", "tmpfs_mode")
    return {"type": "volume", **dict.fromkeys(names), **given}


def nfs(options: str, **given: Any) -> dict[str, Any]:
    """Return a mount of an NFS server."""
    return mount(target="/a", volume_options={"type": "nfs", "device": ":/data", "o": options, **given})


@pytest.mark.parametrize("name", ["", "-web", "a b", "a/b", "x" * 64, "gantry-image-1", "web-gantry-next"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(GantryError, match=r"^name is "):
        desired_container(name=name, image="nginx:1")


def test_a_name_with_an_underscore_gives_a_host_name_without() -> None:
    config = desired_container(name="my_web.1", image="nginx:1").config
    assert config is not None
    assert config.hostname == "my-web-1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": "63M"}, "memory is '63M'"),
        ({"memory": "257M"}, "multiple of 4 MiB"),
        ({"cpus": 0}, "cpus is 0"),
        ({"working_dir": "srv"}, "working_dir is 'srv'"),
        ({"container_hostname": "a_b"}, "container_hostname is 'a_b'"),
        ({"env": {"A=B": "c"}}, "env 'A=B'"),
        ({"etc_hosts": {"db": "nowhere"}}, "etc_hosts db"),
        ({"restart_retries": 3}, "restart_retries is only for"),
        ({"restart_policy": "on-failure", "restart_retries": -1}, "restart_retries is -1"),
        ({"stop_timeout": -1}, "stop_timeout is -1"),
        ({"networks": [{"name": "n", "gateway": "10.0.0.1"}]}, "without ipv4_address"),
        ({"networks": [{"name": "n", "ipv4_address": "10.0.0.5/24", "gateway": "10.0.1.1"}]}, "not in the network"),
        ({"networks": [{"name": "n", "mac_address": "00:50:56:00:00:01"}] * 2}, "one mac_address to two"),
        ({"tmpfs": ["tmp"]}, "tmpfs has the target 'tmp'"),
        ({"tmpfs": ["/tmp:noexec"]}, "only supported mount options"),
        ({"tmpfs": ["/tmp", "/tmp:size=1m"]}, "tmpfs: the target /tmp is given twice"),
        ({"tmpfs": ["/data"], "volumes": ["data:/data/"]}, "volumes and tmpfs: the target /data is given twice"),
        ({"volumes": ["/srv:/data"]}, "path of a host.*such as srv:/path"),
        ({"volumes": ["./x/y:/data"]}, "such as x-y:/path"),
        ({"volumes": ["/data"]}, "path of a host"),
        ({"volumes": ["data"]}, "must be NAME:PATH"),
        ({"volumes": ["data:/"]}, "cannot be a volume"),
        ({"volumes": ["data:x"]}, "not an absolute path"),
        ({"volumes": ["data:/data:z"]}, "only supported modes"),
        ({"volumes": ["data:/data:ro,rw"]}, "only supported modes"),
        ({"volumes": ["data:/a", "data:/b"]}, "mounted at two targets"),
        ({"mounts": [mount(target="/a", type="bind", source="data")]}, "path of a host"),
        ({"mounts": [mount(target="/a", source="C:\\data")]}, "path of a host"),
        ({"mounts": [mount(target="/a")]}, "Give the name of a volume"),
        ({"mounts": [mount(target="/a", source="data", tmpfs_size="1M")]}, "tmpfs_size for /a, which type volume"),
        ({"mounts": [mount(target="/a", type="tmpfs", read_only=True)]}, "read_only for /a, which type tmpfs"),
        ({"mounts": [mount(target="/a", source="d", volume_driver="rexray")]}, "The only one is local"),
        (
            {"mounts": [mount(target="/a", volume_options={"type": "tmpfs"})]},
            "has the type 'tmpfs'. The only one is nfs",
        ),
        ({"mounts": [nfs("addr=h", size="1")]}, "has size. The only keys are type, device and o"),
        ({"mounts": [nfs("addr=h", device="data")]}, "device 'data'. It must be a path of the server"),
        ({"mounts": [nfs("ro")]}, "names no server"),
        ({"mounts": [nfs("addr=h,vers=3")]}, "asks for NFS 3. The guest has NFS 4, 4.0, 4.1, 4.2 only"),
        (
            {"mounts": [nfs("addr=h,sec=krb5")]},
            "has 'sec=krb5' in o, which is not supported. Supported are _netdev, ac, ",
        ),
        ({"mounts": [nfs("addr=h,timeo=x")]}, "has timeo=x in o. It must be a number"),
        ({"mounts": [nfs("addr=h,port=65536")]}, "has port=65536 in o. It must be a number from 1 to 65535"),
        ({"mounts": [{**nfs("addr=h"), "target": "/"}]}, "cannot be a volume"),
        ({"mounts": [{**nfs("addr=h"), "type": "tmpfs"}]}, "volume_options for /a, which type tmpfs does not have"),
        ({"tmpfs": ["/:size=1m"]}, "The root of the container"),
        ({"tmpfs": ["/tmp:size=0"]}, "at least one byte"),
        ({"dns_search_domains": ["a b"]}, "dns_search_domains holds 'a b'"),
        ({"dns_opts": [""]}, "dns_opts holds ''"),
        ({"etc_hosts": {"a b": "10.0.0.1"}}, "etc_hosts holds 'a b'"),
        ({"healthcheck": {"test": ["CMD", ""]}}, r"healthcheck\.test is"),
        ({"scratch_size": "1M"}, "at least 64M"),
        ({"scratch_size": "1G", "read_only": True}, "no writable layer"),
        ({"healthcheck": {"test": ["curl", "x"]}}, r"healthcheck\.test is"),
        ({"healthcheck": {"test": "true", "interval": "0s"}}, r"healthcheck\.interval"),
        ({"healthcheck": {"test": "true", "retries": 0}}, r"healthcheck\.retries is 0"),
        ({"log_max_size": "1K"}, "log_max_size"),
        ({"image": " "}, "image is empty"),
        ({"wait_timeout": 0}, "wait_timeout is 0"),
    ],
)
def test_invalid_options_are_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        desired_container(**{"image": "nginx:1", **options})


def test_nfs_is_given_as_to_docker() -> None:
    given = [
        nfs("addr=files.example.com,nolock,soft,rw,vers=4.1,timeo=50"),
        {**nfs("ro,addr=fd00::5,port=20490"), "target": "/b"},
        {**nfs("", type="nfs4", device="[fd00::5]:/"), "target": "/c", "read_only": True},
    ]
    one, two, three = config_of(mounts=given).nfs
    assert one == NfsOption("files.example.com", 0, "/data", "/a", False, "4.1", ("soft", "timeo=50"))
    assert two == NfsOption("fd00::5", 20490, "/data", "/b", True, "", ())
    assert three == NfsOption("fd00::5", 0, "/", "/c", True, "", ())


def test_formats_of_docker_container_are_accepted() -> None:
    config = config_of(
        command="nginx -g 'daemon off;'",
        entrypoint=["/entry"],
        memory="1G",
        tmpfs=["/tmp:size=64m,mode=0700", "/run"],
        healthcheck={"test": ["CMD", "true"], "interval": "1m30s", "retries": 5},
        stop_signal="quit",
        capabilities=["CAP_NET_ADMIN"],
        cap_drop=["all"],
    )
    assert config.values["command"] == ("nginx", "-g", "daemon off;")
    assert config.values["entrypoint"] == ("/entry",)
    assert config.memory_mb == 1024
    assert config.values["tmpfs"] == (TmpfsOption("/tmp", 64 << 20, "0700"), TmpfsOption("/run"))
    assert config.healthcheck is not None
    assert (config.healthcheck.interval, config.healthcheck.retries) == (90, 5)
    assert config.values["stop_signal"] == "SIGQUIT"
    assert (config.values["capabilities"], config.values["cap_drop"]) == (("NET_ADMIN",), ("ALL",))


def test_a_health_check_is_disabled_by_none() -> None:
    for test in ("NONE", ["NONE"]):
        healthcheck = config_of(healthcheck={"test": test}).healthcheck
        assert healthcheck is not None
        assert healthcheck.disabled


def test_a_container_without_a_scratch_disk_has_no_scratch_size() -> None:
    assert config_of(read_only=True).scratch_bytes is None
    assert config_of(writable="tmpfs").scratch_bytes is None
    assert config_of(writable="tmpfs", scratch_size="64M").values["scratch_size"] == 64 << 20


def test_equal_configurations_in_different_forms_have_the_same_hash() -> None:
    first = config_of(memory="1G", env={"A": "1", "B": "2"}, stop_signal="15", command="sleep 5")
    second = config_of(memory="1024M", env={"B": "2", "A": "1"}, stop_signal="SIGTERM", command=["sleep", "5"])
    assert first.hash() == second.hash()
    assert first.hash() != config_of(memory="1G").hash()


def test_canonical_json_is_read_back_from_xml() -> None:
    document = {"b": "ü\x01", "a": [1, None]}
    text = canonical_json(document)
    assert text.isascii()
    assert "\x01" not in text
    assert parse_object(text) == document


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"x"', "null"])
def test_damaged_json_is_read_as_absent(text: str | None) -> None:
    assert parse_object(text) is None


def test_volumes_and_mounts_name_volumes_in_dockers_words() -> None:
    options = {
        "volumes": ["data:/var/lib/app", "conf:/etc/app:ro,nocopy"],
        "mounts": [
            mount(source="logs", target="/log", read_only=True),
            mount(type="tmpfs", target="/tmp", tmpfs_size="1M", tmpfs_mode="700"),
        ],
        "tmpfs": ["/run"],
    }
    config = desired_container(image="image:0", **options).config
    assert config is not None
    assert config.volumes == (
        VolumeOption("data", "/var/lib/app"),
        VolumeOption("conf", "/etc/app", read_only=True, copy=False),
        VolumeOption("logs", "/log", read_only=True),
    )
    assert config.tmpfs == (TmpfsOption("/run"), TmpfsOption("/tmp", 1 << 20, "700"))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the lab's configuration: defaults, overrides, and invalid settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.config import User, load
from lab.errors import LabError


@pytest.fixture(autouse=True)
def _no_user_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANTRY_LAB_CONFIG", raising=False)


def test_the_defaults_are_a_usable_configuration() -> None:
    config = load()
    assert config.hypervisor == "qemu"
    assert config.ports == {"vcenter": 8989, "control": 8990, "registry": 5000}
    assert {"tiny", "nginx", "redis"} <= set(config.images)


def test_overrides_take_precedence_over_the_user_file_and_that_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file = tmp_path / "mine.toml"
    user_file.write_text('hypervisor = "none"\nstart_slots = 3\n[inventory]\nhosts = 5\n')
    monkeypatch.setenv("GANTRY_LAB_CONFIG", str(user_file))
    config = load({"start_slots": 4, "inventory": {"datastore": "nfs1"}})
    assert (config.hypervisor, config.start_slots) == ("none", 4)
    assert (config.inventory.hosts, config.inventory.datastore, config.inventory.cluster) == (5, "nfs1", "C0")


def test_free_ports_and_partly_changed_ones() -> None:
    assert load({"ports": "free"}).ports is None
    assert load({"ports": {"registry": 5001}}).ports == {"vcenter": 8989, "control": 8990, "registry": 5001}


def test_networks_and_published_ports_are_replaced_as_a_whole() -> None:
    config = load({"networks": {"front": "192.168.7.0/24"}, "publish": {8080: "shop:80"}})
    assert config.networks == {"front": "192.168.7.0/24"}
    assert config.publish == {8080: "shop:80"}


def test_users_besides_the_administrator() -> None:
    assert load().users == ()
    ann, bob = load({"users": {"ann": {"password": "a", "groups": ["dev"]}, "bob": {"password": "b"}}}).users
    assert ann == User("ann", "a", ("dev",))
    assert bob == User("bob", "b", ())


def test_a_second_vcenter_is_started_only_on_request() -> None:
    assert load().second is None
    second = load({"second": {"enabled": True, "hosts": 3}, "inventory": {"datastore_gib": 7}}).second
    assert second is not None
    assert (second.inventory.hosts, second.inventory.datastore, second.inventory.datastore_gib) == (3, "remote0", 7)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hypervisr": "none"}, "unknown setting hypervisr"),
        ({"inventory": {"host": 3}}, "unknown setting inventory.host"),
        ({"hypervisor": "xen"}, "hypervisor: 'xen' is not one of qemu, none"),
        ({"accelerator": "hvf"}, "accelerator: 'hvf'"),
        ({"ports": "any"}, "ports: 'any' is neither"),
        ({"ports": {"vcenter": 70000}}, "ports.vcenter: 70000"),
        ({"ports": {"vcenter": 5000}}, "two services have the same port"),
        ({"users": ["ann"]}, "users: ['ann'] is not a table"),
        ({"users": {"ann": {"groups": ["dev"]}}}, "users: ann requires a password"),
        ({"users": {"ann": {"password": "a", "role": "x"}}}, "nothing else is known of a user"),
        ({"users": {"ann": {"password": ""}}}, "users.ann.password: '' is not a name"),
        ({"users": {"ann": {"password": "a", "groups": [""]}}}, "users.ann.groups: '' is not a name"),
        ({"inventory": {"hosts": 0}}, "inventory.hosts: 0"),
        ({"inventory": {"hosts": True}}, "inventory.hosts: True"),
        ({"inventory": {"cluster": ""}}, "inventory.cluster: ''"),
        ({"inventory": {"clusters": {"C1": 0}}}, "inventory.clusters.C1: 0"),
        ({"inventory": {"clusters": {"C0": 1}}}, "C0 is already the name of the first cluster"),
        ({"inventory": {"clusters": ["C1"]}}, "inventory.clusters: ['C1'] is not a table"),
        ({"inventory": {"local_datastores": "yes"}}, "inventory.local_datastores: 'yes' is neither true nor false"),
        ({"inventory": {"partial_networks": {"DMZ": 1}}}, "inventory.partial_networks: DMZ is not in [networks]"),
        ({"second": {"enabled": True, "hosts": 0}}, "second.hosts: 0"),
        ({"second": {"enabled": True, "port": 8989}}, "second: the same port is used twice"),
        ({"networks": {}}, "at least one network"),
        ({"network_pool": "10.76.0.0/14"}, "overlaps 10.77.0.0/20 of 'VM Network'"),
        ({"network_pool": "10.96.0.0/25"}, "must have a prefix length from 8 to 24"),
        ({"network_pool": "10.96.0.1/12"}, "host bits set"),
        ({"networks": {"a": "10.0.0.1/24"}}, "the subnet of 'a' is not valid: 10.0.0.1/24 has host bits set"),
        ({"networks": {"a": "10.0.0.0/16", "b": "10.0.9.0/24"}}, "overlaps 10.0.0.0/16 of 'a'"),
        ({"publish": {"18080": "web"}}, 'port of 127.0.0.1 = "VM:port".'),
        ({"publish": {"18080": "web:0"}}, "publish: 0"),
    ],
)
def test_a_wrong_setting_is_reported_by_name(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(LabError) as error:
        load(overrides)
    assert message in str(error.value)


@pytest.mark.parametrize(("content", "message"), [(None, "does not exist"), ("= 3", "is not valid TOML")])
def test_an_unreadable_user_file_is_reported(
    content: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file = tmp_path / "mine.toml"
    if content is not None:
        user_file.write_text(content)
    monkeypatch.setenv("GANTRY_LAB_CONFIG", str(user_file))
    with pytest.raises(LabError) as error:
        load()
    assert message in str(error.value)
    assert str(user_file) in str(error.value)

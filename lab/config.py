# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the lab's configuration: lab.toml, then the file in GANTRY_LAB_CONFIG, then the caller's overrides."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from lab.errors import LabError

DEFAULTS = Path(__file__).resolve().parent / "lab.toml"
# Tables that are replaced and not merged: their keys are names that the user chooses.
_REPLACED = ("users", "networks", "publish", "clusters", "partial_networks", "distributed_switches")
SERVICES = ("vcenter", "control", "registry")


@dataclass(frozen=True)
class Inventory:
    datacenter: str
    cluster: str
    hosts: int  # number of hosts in that cluster
    clusters: Mapping[str, int]  # further clusters, and their numbers of hosts
    datastore: str
    shared_datastores: tuple[str, ...]
    local_datastores: bool
    datastore_gib: int
    datastore_cluster: str | None
    distributed_switches: Mapping[str, tuple[str, ...]]  # the port groups of each
    segments: tuple[str, ...]  # the segments of NSX, which each distributed switch has a port group for
    opaque_networks: tuple[str, ...]
    partial_networks: Mapping[str, int]  # number of hosts, from the first one on, that have the network


@dataclass(frozen=True)
class Second:
    """The second vCenter."""

    port: int
    control_port: int
    inventory: Inventory


@dataclass(frozen=True)
class User:
    """A user besides the administrator."""

    name: str
    password: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Config:
    hypervisor: str
    accelerator: str
    start_slots: int
    ports: Mapping[str, int] | None  # by service; None: any free ports
    username: str
    users: tuple[User, ...]
    images: tuple[str, ...]
    inventory: Inventory
    second: Second | None
    networks: Mapping[str, str]
    network_pool: str  # the subnets of further networks
    publish: Mapping[int, str]


def load(overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the validated configuration."""
    merged = _read(DEFAULTS)
    user_file = os.environ.get("GANTRY_LAB_CONFIG")
    if user_file:
        _merge(merged, _read(Path(user_file)), user_file)
    _merge(merged, overrides or {}, "the overrides")
    return _checked(merged)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise LabError(f"The lab configuration {path}, which GANTRY_LAB_CONFIG names, does not exist.") from None
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{path} is not valid TOML: {error}.") from None


def _merge(into: dict[str, Any], changes: Mapping[str, Any], source: str, prefix: str = "") -> None:
    for key, value in changes.items():
        if key not in into:
            raise LabError(f"{source}: unknown setting {prefix}{key}. Valid settings are: {', '.join(sorted(into))}.")
        if isinstance(value, Mapping) and isinstance(into[key], dict) and key not in _REPLACED:
            _merge(into[key], value, source, f"{prefix}{key}.")
        else:
            into[key] = value


def _checked(raw: dict[str, Any]) -> Config:
    networks = _networks(raw["networks"])
    ports = _ports(raw["ports"])
    inventory = _inventory(raw["inventory"], networks)
    return Config(
        hypervisor=_choice(raw, "hypervisor", ("qemu", "none")),
        accelerator=_choice(raw, "accelerator", ("auto", "kvm", "tcg")),
        start_slots=_number("start_slots", raw["start_slots"], 0, 64),
        ports=ports,
        username=_text("username", raw["username"]),
        users=_users(raw["users"]),
        images=tuple(_text("images", name) for name in raw["images"]),
        inventory=inventory,
        second=_second(raw["second"], inventory, ports),
        networks=networks,
        network_pool=_network_pool(raw["network_pool"], networks),
        publish=_publish(raw["publish"]),
    )


def _users(raw: Any) -> tuple[User, ...]:
    if not isinstance(raw, Mapping):
        raise LabError(f"users: {raw!r} is not a table of user names.")
    users = []
    for name, user in raw.items():
        if not isinstance(user, Mapping) or not {"password"} <= set(user) <= {"password", "groups"}:
            raise LabError(f"users: {name} requires a password and may have groups; nothing else is known of a user.")
        groups = tuple(_text(f"users.{name}.groups", group) for group in user.get("groups", ()))
        users.append(User(_text("users", name), _text(f"users.{name}.password", user["password"]), groups))
    return tuple(users)


def _inventory(raw: dict[str, Any], networks: Mapping[str, str]) -> Inventory:
    inventory = Inventory(
        datacenter=_text("inventory.datacenter", raw["datacenter"]),
        cluster=_text("inventory.cluster", raw["cluster"]),
        hosts=_number("inventory.hosts", raw["hosts"], 1, 64),
        clusters=_counts("inventory.clusters", raw["clusters"]),
        datastore=_text("inventory.datastore", raw["datastore"]),
        shared_datastores=tuple(_text("inventory.shared_datastores", name) for name in raw["shared_datastores"]),
        local_datastores=_flag("inventory.local_datastores", raw["local_datastores"]),
        datastore_gib=_number("inventory.datastore_gib", raw["datastore_gib"], 1, 65536),
        datastore_cluster=raw["datastore_cluster"] or None,
        distributed_switches={
            _text("inventory.distributed_switches", switch): tuple(
                _text(f"inventory.distributed_switches.{switch}", group) for group in groups
            )
            for switch, groups in raw["distributed_switches"].items()
        },
        segments=tuple(_text("inventory.segments", name) for name in raw["segments"]),
        opaque_networks=tuple(_text("inventory.opaque_networks", name) for name in raw["opaque_networks"]),
        partial_networks=_counts("inventory.partial_networks", raw["partial_networks"]),
    )
    if inventory.cluster in inventory.clusters:
        raise LabError(
            f"inventory.clusters: {inventory.cluster} is already the name of the first cluster (inventory.cluster)."
        )
    unknown = sorted(set(inventory.partial_networks) - set(networks))
    if unknown:
        raise LabError(
            f"inventory.partial_networks: {', '.join(unknown)} is not in [networks], which defines the subnets."
        )
    return inventory


def _second(raw: dict[str, Any], first: Inventory, ports: Mapping[str, int] | None) -> Second | None:
    if not _flag("second.enabled", raw["enabled"]):
        return None
    second = Second(
        port=_number("second.port", raw["port"], 1, 65535),
        control_port=_number("second.control_port", raw["control_port"], 1, 65535),
        inventory=Inventory(
            datacenter=_text("second.datacenter", raw["datacenter"]),
            cluster=_text("second.cluster", raw["cluster"]),
            hosts=_number("second.hosts", raw["hosts"], 1, 64),
            clusters={},
            datastore=_text("second.datastore", raw["datastore"]),
            shared_datastores=(),
            local_datastores=False,
            datastore_gib=first.datastore_gib,
            datastore_cluster=None,
            distributed_switches=first.distributed_switches,
            segments=first.segments,
            opaque_networks=first.opaque_networks,
            partial_networks={},
        ),
    )
    taken = [second.port, second.control_port, *(ports or {}).values()]
    if len(set(taken)) < len(taken):
        raise LabError(f"second: the same port is used twice: {taken}.")
    return second


def _ports(raw: Any) -> Mapping[str, int] | None:
    if raw == "free":
        return None
    if not isinstance(raw, Mapping):
        raise LabError(f'ports: {raw!r} is neither "free" nor a port for each of {", ".join(SERVICES)}.')
    ports = {service: _number(f"ports.{service}", raw[service], 1, 65535) for service in SERVICES}
    if len(set(ports.values())) < len(ports):
        raise LabError(f"ports: two services have the same port: {ports}.")
    return ports


def _networks(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not raw:
        raise LabError(f"networks: {raw!r} is not a table with at least one network and its subnet.")
    subnets: dict[str, ipaddress.IPv4Network] = {}
    for name, value in raw.items():
        try:
            subnet = ipaddress.IPv4Network(value)
        except ValueError as error:
            raise LabError(f"networks: the subnet of {name!r} is not valid: {error}.") from None
        for other, taken in subnets.items():
            if subnet.overlaps(taken):
                raise LabError(f"networks: {subnet} of {name!r} overlaps {taken} of {other!r}.")
        subnets[name] = subnet
    return {name: str(subnet) for name, subnet in subnets.items()}


def _network_pool(raw: Any, networks: Mapping[str, str]) -> str:
    try:
        pool = ipaddress.IPv4Network(raw)
    except ValueError as error:
        raise LabError(f"network_pool: {raw!r} is not valid: {error}.") from None
    if not 8 <= pool.prefixlen <= 24:
        raise LabError(f"network_pool: {pool} must have a prefix length from 8 to 24.")
    for name, subnet in networks.items():
        if pool.overlaps(ipaddress.IPv4Network(subnet)):
            raise LabError(f"network_pool: {pool} overlaps {subnet} of {name!r}.")
    return str(pool)


def _publish(raw: Any) -> dict[int, str]:
    published = {}
    for host_port, target in raw.items():
        name, _colon, port = str(target).rpartition(":")
        if not name or not port.isdigit() or not str(host_port).isdigit():
            raise LabError(f'publish: {host_port} = {target!r} is not of the form: port of 127.0.0.1 = "VM:port".')
        published[_number("publish", int(host_port), 1, 65535)] = f"{name}:{_number('publish', int(port), 1, 65535)}"
    return published


def _choice(raw: dict[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = raw[key]
    if value not in choices:
        raise LabError(f"{key}: {value!r} is not one of {', '.join(choices)}.")
    return str(value)


def _number(key: str, value: Any, lowest: int, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise LabError(f"{key}: {value!r} is not a whole number from {lowest} to {highest}.")
    return value


def _counts(key: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise LabError(f"{key}: {value!r} is not a table of names and numbers.")
    return {_text(key, name): _number(f"{key}.{name}", count, 1, 64) for name, count in value.items()}


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise LabError(f"{key}: {value!r} is neither true nor false.")
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise LabError(f"{key}: {value!r} is not a name.")
    return value

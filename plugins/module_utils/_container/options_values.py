# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parsed values of options that are more than a word or a number. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV6

# What is written instead of an address.
DHCP, AUTO, DISABLED = "dhcp", "auto", "disabled"
_METHODS = (DHCP, AUTO, DISABLED)


@dataclass(frozen=True)
class NetworkOption:
    """One network adapter: a port group with its IPv4 and its IPv6 address.

    An address is None for one of the network's pool, or, without a pool, one that the network gives. It can be the name
    of a method instead.
    """

    name: str
    address: str | None = None
    gateway: str | None = None
    mac: str | None = None
    address6: str | None = None
    gateway6: str | None = None
    # Its further names for other containers; without any list it has no name for them.
    aliases: tuple[str, ...] | None = None

    def method(self, version: int) -> str | None:
        """Return how the adapter gets its address of this version, if the task says it without giving one."""
        given = self._given(version)
        return given if given in _METHODS else None

    def static(self, version: int) -> str | None:
        """Return the address of this version that the task gives, which may have a prefix length."""
        given = self._given(version)
        return None if given in _METHODS else given

    def router(self, version: int) -> str | None:
        """Return the gateway of this version that the task gives."""
        return self.gateway6 if version == IPV6 else self.gateway

    def _given(self, version: int) -> str | None:
        return self.address6 if version == IPV6 else self.address

    def document(self) -> dict[str, Any]:
        fields = {
            "name": self.name,
            "ipv4_address": self.address,
            "gateway": self.gateway,
            "ipv6_address": self.address6,
            "ipv6_gateway": self.gateway6,
            "mac_address": self.mac,
        }
        return fields if self.aliases is None else {**fields, "aliases": list(self.aliases)}


@dataclass(frozen=True)
class HealthcheckOption:
    """A health check as the user wrote it; None means the image's value."""

    test: tuple[str, ...] | None = None
    interval: float | None = None
    timeout: float | None = None
    retries: int | None = None
    start_period: float | None = None
    start_interval: float | None = None

    @property
    def disabled(self) -> bool:
        return self.test == ("NONE",)

    def document(self) -> dict[str, Any]:
        return {
            "test": None if self.test is None else list(self.test),
            "interval": self.interval,
            "timeout": self.timeout,
            "retries": self.retries,
            "start_period": self.start_period,
            "start_interval": self.start_interval,
        }


@dataclass(frozen=True)
class HookOption:
    """A command that runs in the container after its start or before its stop. None: as the container's process."""

    command: tuple[str, ...]
    user: str | None = None
    working_dir: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "command": list(self.command),
            "user": self.user,
            "working_dir": self.working_dir,
            "env": dict(self.env),
        }

    def guest_document(self) -> dict[str, Any]:
        """Return the command as it is in the guest document."""
        return {
            "args": list(self.command),
            "env": [f"{name}={value}" for name, value in sorted(self.env.items())],
            "user": self.user or "",
            "cwd": self.working_dir or "",
        }


@dataclass(frozen=True)
class TmpfsOption:
    """One tmpfs mount in the container."""

    target: str
    size: int | None = None
    mode: str = "1777"

    def document(self) -> dict[str, Any]:
        return {"target": self.target, "size": self.size, "mode": self.mode}


@dataclass(frozen=True)
class VolumeOption:
    """One volume that is mounted in the container. ``copy``: at its first use it gets the image's files."""

    source: str
    target: str
    read_only: bool = False
    copy: bool = True

    def document(self) -> dict[str, Any]:
        return {"source": self.source, "target": self.target, "read_only": self.read_only, "copy": self.copy}


@dataclass(frozen=True)
class NfsOption:
    """One directory of an NFS server that is mounted in the container. ``version`` "": the newest that the server has.

    ``port`` 0 is that of NFS. ``options`` are those of the kernel.
    """

    server: str
    port: int
    path: str
    target: str
    read_only: bool
    version: str
    options: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "options": list(self.options)}


@dataclass(frozen=True)
class FileOption:
    """One file or secret. Its content is in no representation; the digest is keyed."""

    target: str
    owner: str
    group: str
    mode: str
    digest: str
    content: bytes = field(repr=False)
    # What the container's first process gets when only contents change; None: it is restarted.
    signal: str | None = None

    def document(self) -> dict[str, Any]:
        fields = {
            "target": self.target,
            "owner": self.owner,
            "group": self.group,
            "mode": self.mode,
            "digest": self.digest,
        }
        return fields if self.signal is None else {**fields, "signal": self.signal}


def plain(value: Any) -> Any:
    """Return a value in its JSON form, for records and for the guest document."""
    if isinstance(
        value, (NetworkOption, HealthcheckOption, HookOption, TmpfsOption, VolumeOption, NfsOption, FileOption)
    ):
        return value.document()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return value


# The keys of documents that are not the names of the fields.
_FIELDS = {
    "ipv4_address": "address",
    "ipv6_address": "address6",
    "ipv6_gateway": "gateway6",
    "mac_address": "mac",
}
_ITEMS: Mapping[str, type[Any]] = {
    "networks": NetworkOption,
    "healthcheck": HealthcheckOption,
    "post_start": HookOption,
    "pre_stop": HookOption,
    "tmpfs": TmpfsOption,
    "volumes": VolumeOption,
    "files": FileOption,
    "secrets": FileOption,
}


def restored(name: str, recorded: Any) -> Any:
    """Return the value of an option from its JSON form; files are without their contents."""
    if isinstance(recorded, list):
        return tuple(_restored_item(name, item) for item in recorded)
    return _restored_item(name, recorded)


def _mount_type(recorded: Mapping[str, Any]) -> type[Any]:
    """Return the type of an item of the option mounts, which has items of several types."""
    if "server" in recorded:
        return NfsOption
    return VolumeOption if "source" in recorded else TmpfsOption


def _restored_item(name: str, recorded: Any) -> Any:
    if recorded is None:
        return None
    kind = _mount_type(recorded) if name == "mounts" else _ITEMS.get(name)
    if kind is None:
        return recorded
    known = {one.name for one in fields(kind)}
    values = {
        _FIELDS.get(key, key): tuple(value) if isinstance(value, list) else value for key, value in recorded.items()
    }
    if kind is FileOption:
        values["content"] = b""
    return kind(**{key: value for key, value in values.items() if key in known})

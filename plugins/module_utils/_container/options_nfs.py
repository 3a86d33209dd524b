# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse mounts of NFS servers, which are given as to Docker's driver "local": type, device and o. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import NfsOption

_TYPES = ("nfs", "nfs4")
_KEYS = frozenset({"type", "device", "o"})
_DEVICE = re.compile(r"(?P<server>\[[0-9A-Fa-f:.]+\]|[^:/\[\]]*):(?P<path>/.*)")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+")
_VERSIONS = {"4": "", "4.0": "4.0", "4.1": "4.1", "4.2": "4.2"}
# What NFS 4 does anyway.
_IMPLIED = frozenset({"rw", "nolock", "tcp", "proto=tcp", "sec=sys", "intr", "nointr", "_netdev"})
_FLAGS = frozenset(
    {"hard", "soft", "softerr", "ac", "noac", "cto", "nocto", "sharecache", "nosharecache", "nordirplus"}
)
_NUMBERS = frozenset(
    {"timeo", "retrans", "rsize", "wsize", "nconnect", "acregmin", "acregmax", "acdirmin", "acdirmax", "actimeo"}
)
_WORDS = {"lookupcache": frozenset({"all", "none", "pos", "positive"})}
_LARGEST_PORT = 65535
_LARGEST_NUMBER = 1 << 30


def parse_nfs(target: str, given: Mapping[str, Any], *, read_only: bool) -> NfsOption:
    """Return the mount that ``volume_options`` of one target describe."""
    where = f"volume_options of mounts for {target}"
    kind = given.get("type")
    if kind not in _TYPES:
        raise GantryError(
            f"{where} has the type {kind!r}. The only one is nfs; other volumes are those of container_volume, without "
            "volume_options."
        )
    unknown = sorted(set(given) - _KEYS)
    if unknown:
        raise GantryError(f"{where} has {listed(unknown)}. The only keys are type, device and o.")
    device = _DEVICE.fullmatch(str(given.get("device") or ""))
    if device is None:
        raise GantryError(
            f"{where} has the device {given.get('device')!r}. It must be a path of the server, such as :/export."
        )
    server, values = device["server"].strip("[]"), {"version": "", "port": ""}
    kept: list[str] = []
    for option in filter(None, str(given.get("o") or "").split(",")):
        key, _equals, value = option.partition("=")
        if key == "addr":
            server = value
        elif key in ("vers", "nfsvers"):
            values["version"] = _version(value, where)
        elif key == "port":
            values["port"] = _number(key, value, where, _LARGEST_PORT)
        elif option == "ro":
            read_only = True
        elif option not in _IMPLIED:
            kept.append(_passed(option, where))
    if _SERVER.fullmatch(server) is None:
        raise GantryError(f"{where} names no server. Give its name or address as addr in o, such as addr=10.0.0.5.")
    return NfsOption(
        server=server,
        port=int(values["port"] or 0),
        path=device["path"],
        target=target,
        read_only=read_only,
        version=values["version"],
        options=tuple(kept),
    )


def _version(value: str, where: str) -> str:
    if value not in _VERSIONS:
        raise GantryError(f"{where} asks for NFS {value}. The guest has NFS {', '.join(_VERSIONS)} only.")
    return _VERSIONS[value]


def _passed(option: str, where: str) -> str:
    """Return an option that the kernel of the guest gets as it is."""
    key, equals, value = option.partition("=")
    if key in _NUMBERS and equals:
        return f"{key}={_number(key, value, where, _LARGEST_NUMBER)}"
    if option in _FLAGS or value in _WORDS.get(key, ()):
        return option
    supported = sorted({*_FLAGS, *_IMPLIED, *(f"{one}=" for one in {*_NUMBERS, *_WORDS, "addr", "port", "vers"}), "ro"})
    raise GantryError(f"{where} has {option!r} in o, which is not supported. Supported are {', '.join(supported)}.")


def _number(key: str, value: str, where: str, largest: int) -> str:
    if not value.isascii() or not value.isdigit() or not 0 < int(value) <= largest:
        raise GantryError(f"{where} has {key}={value} in o. It must be a number from 1 to {largest}.")
    return str(int(value))

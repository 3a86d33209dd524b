# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes, durations and other small values of a container's options, in the formats of docker_container."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
_SIZE_UNITS = {"": 1, "B": 1, "K": KIB, "M": MIB, "G": GIB, "T": 1024 * GIB}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?", re.IGNORECASE)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|ms|us|m|s))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)")
_DURATION_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
# VMware's prefixes, and what of them is for addresses that users give.
_RESERVED_MACS = ("00:0c:29:", "00:50:56:")
_STATIC_MACS = tuple(f"00:50:56:{number:02x}:" for number in range(0x40))
_MODE = re.compile(r"[0-7]{3,4}")


def parse_size(text: str, option: str) -> int:
    """Return the bytes of a size such as 64m or 8G; the units are powers of 1024, as Docker's are."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise GantryError(f"{option} is {text!r}, which is not a size; write a number and a unit, such as 256M or 8G.")
    return int(float(match[1]) * _SIZE_UNITS[(match[2] or "").upper()])


def parse_duration(text: str, option: str) -> float:
    """Return the seconds of a duration in Docker's format (30s, 1m30s, 500ms)."""
    value = text.strip()
    if value == "0":
        return 0.0
    if _DURATION.fullmatch(value) is None:
        raise GantryError(f"{option} is {text!r}, which is not a duration; write for example 30s, 1m30s or 500ms.")
    return sum(float(number) * _DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(value))


def parse_words(value: Any, option: str) -> tuple[str, ...]:
    """Return the words of a command: a list unchanged, a string split as a shell would."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise GantryError(f"{option} is {value!r}, which cannot be split into words: {error}.") from error
    if isinstance(value, (list, tuple)):
        for item in value:
            if not isinstance(item, str):
                raise GantryError(f"{option} holds {item!r}, which is not a string; put it in quotes.")
        return tuple(value)
    raise GantryError(f"{option} must be a list of strings or one string; it is {value!r}.")


def parse_strings(value: Mapping[Any, Any], option: str) -> dict[str, str]:
    """Return a mapping of strings; YAML has already converted an unquoted yes, 1.10 or 022, so these are refused."""
    for key, item in value.items():
        if not isinstance(key, str) or not isinstance(item, str):
            raise GantryError(
                f"{option} {key!r} is not a string but a {type(item if isinstance(key, str) else key).__name__}; "
                "what was written may have been changed by YAML: put it in quotes (or use the string filter)."
            )
    return dict(value)


def parse_address(text: str, option: str) -> str:
    """Return an IP address in its canonical form."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as error:
        raise GantryError(f"{option} is {text!r}, which is not an IP address.") from error


def parse_mac(text: str, option: str) -> str:
    """Return a unicast MAC address in lower case with colons."""
    value = text.strip().lower().replace("-", ":")
    if _MAC.fullmatch(value) is None:
        raise GantryError(f"{option} is {text!r}, which is not a MAC address such as 00:50:56:00:00:01.")
    if int(value[:2], 16) & 1:
        raise GantryError(f"{option} is {text!r}, which is a multicast address; an adapter needs a unicast one.")
    if value.startswith(_RESERVED_MACS) and not value.startswith(_STATIC_MACS):
        raise GantryError(
            f"{option} is {text!r}, which VMware reserves: ESXi would not power on the VM. Choose an address from "
            "00:50:56:00:00:00 to 00:50:56:3f:ff:ff or of another vendor, or leave it to vCenter."
        )
    return value


def parse_mode(text: str, option: str) -> str:
    """Return an octal file mode such as 1777."""
    if _MODE.fullmatch(text) is None:
        raise GantryError(f"{option} is {text!r}, which is not an octal mode such as 1777.")
    return text

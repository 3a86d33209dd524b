# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the ports that a container offers at its address. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

_PORT = re.compile(r"((?P<outside>[\d-]+):)?(?P<inside>[\d-]+)(/(?P<protocol>tcp|udp|sctp))?")
_RANGE = re.compile(r"(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?")
_MOST = 65535


def parse_published_ports(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ports as ``80/tcp`` or ``8000-8010/udp``, in the order of their numbers."""
    ports = {_parse_port(text.strip()) for text in given or ()}
    return tuple(
        f"{first}/{kind}" if first == last else f"{first}-{last}/{kind}" for first, last, kind in sorted(ports)
    )


def _parse_port(text: str) -> tuple[int, int, str]:
    match = _PORT.fullmatch(text)
    ports = None if match is None else _parse_range(match["inside"])
    if match is None or ports is None:
        raise GantryError(
            f"published_ports holds {text!r}. Write a port or a range, such as 80, 80:80, 53/udp or 8000-8010. An "
            "address is not given, since the ports are those of the container's own address."
        )
    if match["outside"] not in (None, match["inside"]):
        raise GantryError(
            f"published_ports holds {text!r}. A container has an address of its own, and its ports are not redirected, "
            f"so both numbers must be equal. Give {match['inside']}, or have the program listen on {match['outside']}."
        )
    return *ports, match["protocol"] or "tcp"


def _parse_range(text: str) -> tuple[int, int] | None:
    """Return the first and the last port, or None for anything else."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high = int(match["first"]), int(match["last"] or match["first"])
    return (low, high) if 1 <= low <= high <= _MOST else None

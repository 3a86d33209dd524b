# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the ports that a container offers at its address, and the redirects that they require. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import (
    MAX_REDIRECTED_PORTS,
    REDIRECT_PROTOCOLS,
)

_PORT = re.compile(r"((?P<outside>[\d-]+):)?(?P<inside>[\d-]+)(/(?P<protocol>tcp|udp|sctp))?")
_RANGE = re.compile(r"(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?")
_MOST = 65535


@dataclass(frozen=True, order=True)
class PublishedPorts:
    """Consecutive ports at which clients reach the container, and the first of those that it listens on."""

    outside: int
    count: int
    protocol: str
    inside: int

    @property
    def is_redirected(self) -> bool:
        return self.outside != self.inside

    def text(self) -> str:
        inside = f"{_span(self.inside, self.count)}/{self.protocol}"
        return f"{_span(self.outside, self.count)}:{inside}" if self.is_redirected else inside

    def ports(self) -> Iterator[tuple[int, str]]:
        """Yield each port outside, with its protocol."""
        return ((self.outside + index, self.protocol) for index in range(self.count))

    def redirect(self) -> dict[str, Any]:
        """Return the redirect as it is in the guest document."""
        return {"protocol": self.protocol, "port": self.outside, "to": self.inside, "count": self.count}


def parse_published_ports(given: Any, _params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ports as ``80/tcp``, ``8080:80/tcp`` or ``8000-8010/udp``, in the order of their numbers outside."""
    ports = sorted({_parse_port(text.strip()) for text in given or ()})
    _check_redirects(ports)
    return tuple(one.text() for one in ports)


def redirects_of(published_ports: Sequence[str]) -> list[dict[str, Any]]:
    """Return the redirects of the guest document for parsed ports."""
    return [one.redirect() for one in map(_parse_port, published_ports) if one.is_redirected]


def _parse_port(text: str) -> PublishedPorts:
    match = _PORT.fullmatch(text)
    inside = None if match is None else _parse_range(match["inside"])
    outside = inside if match is None or match["outside"] is None else _parse_range(match["outside"])
    if match is None or inside is None or outside is None:
        raise GantryError(
            f"published_ports holds {text!r}. Write a port or a range, such as 80, 8080:80, 53/udp or 8000-8010. An "
            "address is not given, since the ports are those of all addresses of the container."
        )
    if len(inside) != len(outside):
        raise GantryError(
            f"published_ports holds {text!r}. The range before the colon has {len(outside)} ports and the one after it "
            f"{len(inside)}. Give ranges of the same length, such as 8000-8010:9000-9010."
        )
    ports = PublishedPorts(outside[0], len(inside), match["protocol"] or "tcp", inside[0])
    if ports.is_redirected and ports.protocol not in REDIRECT_PROTOCOLS:
        raise GantryError(
            f"published_ports holds {text!r}. Only ports of tcp and udp are redirected. Have the program listen on "
            f"{match['outside']}, and give {match['outside']}/{ports.protocol}."
        )
    return ports


def _parse_range(text: str) -> range | None:
    """Return the ports, or None for anything else."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high = int(match["first"]), int(match["last"] or match["first"])
    return range(low, high + 1) if 1 <= low <= high <= _MOST else None


def _check_redirects(published: Sequence[PublishedPorts]) -> None:
    """Refuse a port with two meanings, and more redirected ports than the guest accepts."""
    owners: dict[tuple[int, str], PublishedPorts] = {}
    for one in published:
        for port in one.ports():
            other = owners.setdefault(port, one)
            if other.inside - other.outside != one.inside - one.outside:
                raise GantryError(
                    f"published_ports has {other.text()} and {one.text()}, which both give port {port[0]}/{port[1]}. "
                    "Give each port of the container's address once."
                )
    redirected = sum(one.is_redirected for one in owners.values())
    if redirected > MAX_REDIRECTED_PORTS:
        raise GantryError(
            f"published_ports redirects {redirected} ports, and the guest redirects at most {MAX_REDIRECTED_PORTS}. "
            "Give shorter ranges, or have the program listen on the published ports."
        )


def _span(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first}-{first + count - 1}"

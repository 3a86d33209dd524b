# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names by which containers of a network find each other, and the tables of them. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json, document_hash

TABLE_VERSION = 1


@dataclass(frozen=True)
class NetworkNames:
    """The names of a container on one of its networks.

    ``adapter`` is the place of the network among the container's, and ``network`` its MoID. ``addresses`` are those
    that are configured; with ``dhcp`` the network gives one.
    """

    adapter: int
    network: str
    names: tuple[str, ...]
    addresses: tuple[str, ...] = ()
    dhcp: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "adapter": self.adapter,
            "network": self.network,
            "names": list(self.names),
            "addresses": list(self.addresses),
            "dhcp": self.dhcp,
        }

    @property
    def learns(self) -> bool:
        """Return whether the container is found by an address that the network gives."""
        return self.dhcp or not self.addresses

    def with_reported(self, reported: Iterable[str]) -> NetworkNames:
        """Return it with the address that the network has given, of those that the guest reports for the adapter."""
        if not self.learns:
            return self
        usable = (address for address in map(ip_address, reported) if not address.is_link_local)
        given = next((str(one) for one in usable if one.version == (IPV4 if self.dhcp else IPV6)), None)
        return self if given is None or given in self.addresses else replace(self, addresses=(*self.addresses, given))


@dataclass(frozen=True)
class NamesTable:
    """What one container finds by name: addresses, in the order of the names."""

    entries: tuple[tuple[str, tuple[str, ...]], ...]

    def names(self) -> dict[str, list[str]]:
        return {name: list(addresses) for name, addresses in self.entries}

    def document(self, serial: int) -> str:
        return canonical_json({"version": TABLE_VERSION, "serial": serial, "names": self.names()})

    @cached_property
    def digest(self) -> str:
        return document_hash(self.names())


@dataclass(frozen=True)
class NamedContainer:
    """One container with names: its VM, the MoID of its folder, and whether the VM is on.

    ``table`` is the record of the table that was written last. ``writable``: the user may change the VM.
    """

    moid: str
    name: str
    folder: str
    running: bool
    networks: tuple[NetworkNames, ...]
    table: str | None = None
    writable: bool = True

    @property
    def scopes(self) -> frozenset[tuple[str, str]]:
        """Return where the container is found, and finds others: on a network, within a folder."""
        return frozenset((self.folder, one.network) for one in self.networks)

    def lacks(self, table: NamesTable) -> bool:
        """Return whether another table was written last."""
        return table_digest(self.table) != table.digest


def make_tables(containers: Iterable[NamedContainer]) -> dict[str, NamesTable]:
    """Return the table of each container, by the MoID of its VM. Only those whose VM is on are found.

    Containers that find the same have the same table, which is made once: it has all of them.
    """
    known = list(containers)
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for container in known:
        for network in container.networks if container.running else ():
            names = found.setdefault((container.folder, network.network), {})
            for name in network.names if network.addresses else ():
                names.setdefault(name, set()).update(network.addresses)
    tables: dict[frozenset[tuple[str, str]], NamesTable] = {}
    for scopes in {one.scopes for one in known}:
        tables[scopes] = _merged([found.get(scope, {}) for scope in sorted(scopes)])
    return {one.moid: tables[one.scopes] for one in known}


def _merged(parts: Iterable[Mapping[str, set[str]]]) -> NamesTable:
    names: dict[str, set[str]] = {}
    for part in parts:
        for name, addresses in part.items():
            names.setdefault(name, set()).update(addresses)
    return NamesTable(tuple((name, tuple(sorted(names[name]))) for name in sorted(names)))


def encode_table_record(table: NamesTable, serial: int) -> str:
    """Return the record of a table that is written: its serial number and its digest."""
    return f"{serial} {table.digest}"


def table_serial(record: str | None) -> int:
    """Return the serial number of a record; 0 if there is none."""
    serial = (record or "").partition(" ")[0]
    return int(serial) if serial.isdecimal() else 0


def table_digest(record: str | None) -> str:
    return (record or "").partition(" ")[2]

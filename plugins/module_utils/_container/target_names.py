# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the names of a container on its networks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import VERSIONS, bare_address
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ON,
    ContainerPlace,
    Machine,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamedContainer,
    NamesTable,
    NetworkNames,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_names import is_dns_name
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import check_fits

# A serial number with more digits than any has.
_LONGEST_SERIAL = 10**18


def target_names(
    name: str, config: Config, place: ContainerPlace, document: Mapping[str, Any]
) -> tuple[NetworkNames, ...]:
    """Return the names on each network that has any: the container's own name and its aliases there."""
    found = []
    for index, (network, entry) in enumerate(zip(config.networks, place.networks, strict=True)):
        if network.aliases is None:
            continue
        if not is_dns_name(name):
            raise GantryError(
                f"Container {name} has networks[{index}].aliases, and its own name is not a name of DNS, so no other "
                "container could find it. Rename it to letters, digits and hyphens, or leave out aliases."
            )
        names = tuple(dict.fromkeys((name.lower(), *network.aliases)))
        found.append(NetworkNames(index, entry.moid, names))
    return with_addresses(found, document)


def with_addresses(networks: Iterable[NetworkNames], document: Mapping[str, Any]) -> tuple[NetworkNames, ...]:
    """Return the names with the addresses of a guest document."""
    static = [static_addresses(document, version) for version in VERSIONS]
    return tuple(
        replace(
            one,
            addresses=tuple(bare_address(text) for text in (of[one.adapter] for of in static) if text is not None),
            dhcp=bool(document["networks"][one.adapter]["dhcp"]),
        )
        for one in networks
    )


def named_container(machine: Machine) -> NamedContainer | None:
    """Return a machine of a plan as a container with names; None if it has none."""
    if not machine.names or machine.folder is None:
        return None
    networks = tuple(one.with_reported(_reported(machine, one.adapter)) for one in machine.names)
    return NamedContainer(
        machine.moid, machine.name, machine.folder.moid, machine.power == ON, networks, machine.names_table
    )


def check_table(container: str, table: NamesTable) -> None:
    """Refuse a table that does not fit into one setting of a VM."""
    check_fits(
        table.document(_LONGEST_SERIAL),
        f"The table of the names that container {container} finds",
        "Put containers that need not find each other on other networks or into other folders.",
    )


def _reported(machine: Machine, adapter: int) -> list[str]:
    """Return the addresses of an adapter, as its guest has reported them."""
    nics = machine.addresses
    if len(machine.adapters) > 1 and adapter < len(machine.adapters):
        nics = tuple(nic for nic in nics if nic["mac_address"] == machine.adapters[adapter].mac)
    return [address for nic in nics for address in nic["ip_addresses"]]

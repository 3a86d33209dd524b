# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the names of a container on its networks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import bare_address
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
    first_ipv4,
    with_named_address,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_names import is_dns_name
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
        address = document["networks"][index].get("address")
        names = tuple(dict.fromkeys((name.lower(), *network.aliases)))
        found.append(NetworkNames(index, entry.moid, names, None if address is None else bare_address(address)))
    return tuple(found)


def named_container(machine: Machine) -> NamedContainer | None:
    """Return a machine of a plan as a container with names; None if it has none."""
    if not machine.names or machine.folder is None:
        return None
    networks = machine.names
    for one in networks:
        if one.address is None:
            networks = with_named_address(networks, one.adapter, _reported(machine, one.adapter))
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


def _reported(machine: Machine, adapter: int) -> str | None:
    """Return the address that DHCP gave to an adapter, as its guest has reported it."""
    nics = machine.addresses
    if len(machine.adapters) > 1 and adapter < len(machine.adapters):
        nics = tuple(nic for nic in nics if nic["mac_address"] == machine.adapters[adapter].mac)
    return first_ipv4(address for nic in nics for address in nic["ip_addresses"])

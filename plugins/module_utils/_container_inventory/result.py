# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From containers to hosts of an inventory: variables, address, names and groups. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import PROJECT_LABEL, SERVICE_LABEL
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import Facts, InventoryFilters
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.options import HEALTH


def inventory_result(desired: InventoryFilters, machines: Sequence[Machine]) -> dict[str, Any]:
    """Return the facts of the containers that have the states that are asked for."""
    containers = [container_facts(machine) for machine in machines]
    return {"containers": [facts for facts in containers if _is_selected(desired, facts)]}


def container_facts(machine: Machine) -> dict[str, Any]:
    """Return what container_vm_info returns of a container, but for the bootstrap, which was not read."""
    facts = container_result(machine)
    del facts["bootstrap"]
    return facts


def _is_selected(desired: InventoryFilters, facts: Facts) -> bool:
    return (not desired.states or facts["state"] in desired.states) and (
        not desired.health or facts["health"] in desired.health
    )


def host_variables(facts: Facts) -> dict[str, Any]:
    """Return the variables of a host. ``name`` is not one: Ansible reserves it and warns of it in each play."""
    variables = {key: value for key, value in facts.items() if key != "name"}
    address = host_address(facts)
    return variables if address is None else {**variables, "ansible_host": address}


def host_address(facts: Facts) -> str | None:
    """Return the first address of a container that really is one.

    A guest reports its addresses as text, and Ansible gives this one to programs such as ssh on their command line.
    """
    return next((text for text in facts["ip_addresses"] if _is_address(text)), None)


def _is_address(text: str) -> bool:
    try:
        # A scope after '%' may be any text.
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def host_names(containers: Iterable[Facts], name_of: Callable[[Facts], str]) -> list[tuple[str, Facts]]:
    """Return the containers with their host names. Two containers are never made one host."""
    by_name: dict[str, list[Facts]] = {}
    for facts in containers:
        by_name.setdefault(name_of(facts), []).append(facts)
    shared = {name: found for name, found in by_name.items() if len(found) > 1}
    if shared:
        examples = [f"{name} of {', '.join(one['path'] for one in found)}" for name, found in shared.items()]
        raise GantryError(
            f"Several containers have the same host name: {listed(examples)}. Select one of them with filters, or set "
            "hostnames to an expression that tells them apart, such as path or instance_uuid."
        )
    return [(name, found[0]) for name, found in by_name.items()]


def _labels(facts: Facts) -> Iterator[str]:
    return (f"{key}_{value}" if value else key for key, value in facts["labels"].items())


def _health(facts: Facts) -> Iterator[str]:
    # The guest reports it, so it may be any text.
    return iter([facts["health"]] if facts["health"] in HEALTH else [])


def _field(name: str) -> Callable[[Facts], Iterator[str]]:
    return lambda facts: iter([facts[name]] if facts[name] else [])


def _label(name: str) -> Callable[[Facts], Iterator[str]]:
    return lambda facts: iter([facts["labels"][name]] if facts["labels"].get(name) else [])


_stack, _service = _label(PROJECT_LABEL), _label(SERVICE_LABEL)


# What each value of group_by makes groups of.
_GROUPINGS: Mapping[str, Callable[[Facts], Iterator[str]]] = {
    "cluster": _field("cluster"),
    "datacenter": _field("datacenter"),
    "folder": lambda facts: iter([facts["folder"].strip("/")]),
    "health": _health,
    "host": _field("host"),
    "image": _field("image"),
    "label": _labels,
    "service": lambda facts: (f"{stack}_{service}" for stack in _stack(facts) for service in _service(facts)),
    "stack": _stack,
    "state": _field("state"),
}
GROUPINGS = tuple(_GROUPINGS)


def group_names(facts: Facts, group_by: Iterable[str]) -> list[str]:
    """Return the groups of a container, before characters that Ansible does not allow in them are replaced."""
    return [f"{kind}_{value}" for kind in group_by for value in _GROUPINGS[kind](facts)]

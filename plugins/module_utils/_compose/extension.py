# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read x-gantry, by which a service or a network says what it is in vSphere. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

EXTENSION = "x-gantry"
# The options of container_vm that x-gantry of a service may have. All containers of a stack are in one datacenter.
_CONTAINER_OPTIONS = (
    *("cluster", "resource_pool", "datastore", "folder"),
    *("cpus", "cpu_reservation", "cpu_limit", "cpu_shares", "cpu_hot_add"),
    *("memory", "memory_reservation", "memory_limit", "memory_shares", "memory_hot_add"),
    *("guest_operations", "writable", "wait_timeout", "healthy_wait_timeout", "drain"),
)
ANTI_AFFINITY, HOST_GROUP, MANDATORY = "anti_affinity", "host_group", "mandatory"
# What becomes rules of DRS and not options of a container.
_RULE_OPTIONS = (ANTI_AFFINITY, HOST_GROUP, MANDATORY)
SERVICE_OPTIONS = (*_CONTAINER_OPTIONS, *_RULE_OPTIONS)
PORT_GROUP = "port_group"
_NETWORK_OPTIONS = (PORT_GROUP,)


def container_options(project: ComposeProject, name: str, refusals: Refusals) -> dict[str, Any]:
    """Return the options of container_vm that a service has. All that is wrong with its x-gantry is refused."""
    given = _known(extension_of(project, "services", name), SERVICE_OPTIONS, "A service", refusals)
    return {option: value for option, value in given.items() if option in _CONTAINER_OPTIONS}


def port_group_of(project: ComposeProject, name: str, refusals: Refusals) -> str | None:
    """Return the port group of a network. All that is wrong with its x-gantry is refused."""
    given = _known(extension_of(project, "networks", name), _NETWORK_OPTIONS, "A network", refusals)
    group = given.get(PORT_GROUP)
    return None if group is None else str(group)


def refuse_other_extensions(project: ComposeProject, refusals: Refusals) -> None:
    """Refuse the extension where it has no meaning."""
    for path in sorted(project.extensions):
        if EXTENSION in project.extensions[path] and (len(path) != 2 or path[0] not in ("services", "networks")):
            refusals.add((*path, EXTENSION), "Only services and networks have options of vSphere.")


def extension_of(project: ComposeProject, *path: str) -> Any:
    return project.extensions.get(path, {}).get(EXTENSION)


def _known(given: Any, options: Iterable[str], what: str, refusals: Refusals) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        refusals.add((EXTENSION,), f"It is {given!r}. Give a mapping of options to values.")
        return {}
    for option in sorted(set(given) - set(options)):
        close = difflib.get_close_matches(option, options, n=1)
        hint = f"Did you mean {close[0]}? " if close else ""
        refusals.add((EXTENSION, option), f"{hint}{what} may have {', '.join(sorted(options))} here.")
    values = {option: value for option, value in given.items() if option in options and value is not None}
    for option in sorted(option for option, value in values.items() if isinstance(value, Mapping | list)):
        refusals.add((EXTENSION, option), f"It is {values.pop(option)!r}. Give a single value.")
    return values

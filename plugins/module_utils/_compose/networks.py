# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate the networks of a service: adapters on port groups, and the names by which others find it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.extension import port_group_of
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

_DRIVERS = frozenset({"", "bridge", "overlay", "default"})
_NONE, _PLAIN_MODES = "none", frozenset({"", "bridge", "default"})
_DEFAULT = "default"


def port_groups(project: ComposeProject, given: Mapping[str, str], refusals: Refusals) -> dict[str, str]:
    """Return the port groups of the networks that services use.

    given: the port groups of networks, of which "*" is that of all others. A network may name its own in x-gantry, and
    an external network is the port group itself.
    """
    used = {name for service in project.services.values() for name in _networks(service)}
    found = {}
    for name in sorted(used):
        network = project.networks.get(name) or {}
        at = refusals.within("networks", name)
        if (network.get("driver") or "") not in _DRIVERS:
            at.add(("driver",), f"Networks are port groups of vSphere, which have no driver {network['driver']}.")
        own = port_group_of(project, name, at) or (network["name"] if network.get("external") else None)
        group = given.get(name) or own or given.get("*")
        if group is None:
            at.add((), "The task has no port group for it. Give it in networks, or say external: true with its name.")
            continue
        found[name] = group
    return found


def network_options(
    name: str, service: Mapping[str, Any], project: ComposeProject, groups: Mapping[str, str], refusals: Refusals
) -> dict[str, Any]:
    """Return the adapters of a service, the first one for its default route."""
    mode = service.get("network_mode") or ""
    if mode == _NONE:
        return {"networks": []}
    if mode not in _PLAIN_MODES:
        refusals.add(("network_mode",), f"{mode} shares the network of a host or of a container, which a VM cannot.")
    given = _networks(service)
    order = sorted(given, key=lambda network: (-int((given[network] or {}).get("priority") or 0), network))
    adapters = []
    for index, network in enumerate(one for one in order if one in groups):
        values = given[network] or {}
        aliases = {name, *(values.get("aliases") or ()), *_linked_names(name, network, project)}
        adapter: dict[str, Any] = {"name": groups[network], "aliases": sorted(aliases)}
        for key in ("ipv4_address", "ipv6_address", "mac_address"):
            if values.get(key):
                adapter[key] = values[key]
        if index == 0 and service.get("mac_address"):
            adapter["mac_address"] = service["mac_address"]
        adapters.append(adapter)
    return {"networks": adapters}


def _networks(service: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the networks of a service. The loader adds the one of Docker's bridge only if there is no network_mode."""
    given: Mapping[str, Any] = service.get("networks") or {}
    mode = service.get("network_mode")
    return {_DEFAULT: None} if not given and mode and mode in _PLAIN_MODES else given


def _linked_names(name: str, network: str, project: ComposeProject) -> set[str]:
    """Return the aliases that other services of the network have for this one in their links."""
    found = set()
    for other in project.services.values():
        if network in _networks(other):
            for link in other.get("links") or ():
                linked, _colon, alias = link.partition(":")
                if linked == name and alias:
                    found.add(alias)
    return found

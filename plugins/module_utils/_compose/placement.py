# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate where the containers of a service may run: deploy.placement, and the rules in x-gantry. Pure.

They become rules of DRS, so nothing here is an option of a container.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.extension import (
    ANTI_AFFINITY,
    EXTENSION,
    HOST_GROUP,
    MANDATORY,
    extension_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

_CONSTRAINT = re.compile(r"\s*(?P<what>[\w.\-]+)\s*(?P<how>==|!=)\s*(?P<value>.*?)\s*")
_HOST = "node.hostname"
_LABELS = ("node.labels.", "engine.labels.")
_LABELS_REASON = (
    "Hosts of vSphere have no labels of nodes, and tags are not read. Put the hosts into a host group of the cluster, "
    "with drs_group, and name it with host_group in x-gantry."
)
_OTHER_REASON = f"A host of vSphere has no such property. The only one is {_HOST}."


@dataclass(frozen=True)
class ServicePlacement:
    """On which hosts the containers of a service are to run.

    ``anti_affinity``: on different ones; None is as the task says. ``apart``: no two on one host, whatever that costs.
    ``hosts``: one of these, if there are any. ``avoided``: none of these. ``place`` is for messages.
    """

    service: str
    place: str
    anti_affinity: bool | None = None
    apart: bool = False
    hosts: tuple[str, ...] = ()
    avoided: tuple[str, ...] = ()
    host_group: str | None = None
    mandatory: bool = False

    @property
    def has_hosts(self) -> bool:
        """Return whether only some hosts of the cluster are for the service."""
        return bool(self.hosts or self.avoided or self.host_group)


def service_placements(project: ComposeProject, refusals: Refusals) -> list[ServicePlacement]:
    """Return the placement of each service, in the order of their names. What cannot be a rule is refused."""
    return [
        _placement(name, service, extension_of(project, "services", name), refusals.within("services", name))
        for name, service in sorted(project.services.items())
    ]


def _placement(name: str, service: Mapping[str, Any], extension: Any, refusals: Refusals) -> ServicePlacement:
    # Other values are refused where the options of the container are read.
    own = extension if isinstance(extension, Mapping) else {}
    given = (service.get("deploy") or {}).get("placement") or {}
    of_swarm = refusals.within("deploy", "placement")
    spread = _is_spread(given.get("preferences") or (), of_swarm)
    apart = _is_apart(given.get("max_replicas_per_node"), of_swarm)
    hosts, avoided = _hosts(given.get("constraints") or (), of_swarm)
    of_gantry = refusals.within(EXTENSION)
    anti_affinity = _truth(own, ANTI_AFFINITY, of_gantry)
    if anti_affinity is False and (spread or apart):
        asked = "max_replicas_per_node" if apart else "preferences"
        of_gantry.add((ANTI_AFFINITY,), f"It is false, and deploy.placement.{asked} asks for different hosts.")
    group = own.get(HOST_GROUP)
    if group is not None and (hosts or avoided):
        of_gantry.add((HOST_GROUP,), "deploy.placement.constraints has hosts, too. Give one of both.")
    placement = ServicePlacement(
        service=name,
        place=f"{refusals.place('services', name)}: services.{name}",
        anti_affinity=True if spread or apart else anti_affinity,
        apart=apart,
        hosts=hosts,
        avoided=avoided,
        host_group=None if group is None or isinstance(group, Mapping | list) else str(group),
        mandatory=bool(_truth(own, MANDATORY, of_gantry)),
    )
    if placement.mandatory and not placement.has_hosts:
        of_gantry.add((MANDATORY,), f"There are no hosts that it could be about. Give {HOST_GROUP} or constraints.")
    return placement


def _is_spread(preferences: Iterable[Mapping[str, Any]], refusals: Refusals) -> bool:
    found = False
    for index, preference in enumerate(preferences):
        spread = str(preference.get("spread") or "")
        if spread == _HOST:
            found = True
            continue
        reason = _LABELS_REASON if spread.startswith(_LABELS) else _OTHER_REASON
        refusals.add(("preferences", str(index)), f"It spreads over {spread or 'nothing'}. {reason}")
    return found


def _is_apart(limit: Any, refusals: Refusals) -> bool:
    if limit in (None, 0, 1):
        return bool(limit == 1)
    refusals.add(
        ("max_replicas_per_node",),
        f"It is {limit}, and rules of DRS know no other number than 1. Leave it out: replicas are spread anyway.",
    )
    return False


def _hosts(constraints: Iterable[str], refusals: Refusals) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the hosts that constraints allow, and those that they forbid if they allow all others."""
    allowed: dict[str, str] = {}
    avoided: dict[str, str] = {}
    for index, text in enumerate(constraints):
        found, at = _CONSTRAINT.fullmatch(text), refusals.within("constraints", str(index))
        if found is None or not found["value"]:
            at.add((), f"It is {text!r}. Give a constraint such as {_HOST} == esx1.example.com.")
        elif found["what"] != _HOST:
            reason = _LABELS_REASON if found["what"].startswith(_LABELS) else _OTHER_REASON
            at.add((), f"It is {text!r}. {reason}")
        else:
            chosen = allowed if found["how"] == "==" else avoided
            chosen[found["value"].casefold()] = found["value"]
    if len(allowed) > 1 or allowed.keys() & avoided.keys():
        # As in Swarm, all constraints apply together.
        refusals.add(("constraints",), "No host meets all of them. For one of several hosts, give host_group.")
        return (), ()
    return tuple(allowed.values()), () if allowed else tuple(avoided.values())


def _truth(own: Mapping[str, Any], option: str, refusals: Refusals) -> bool | None:
    value = own.get(option)
    if value is None or isinstance(value, Mapping | list):
        return None
    try:
        return bool(boolean(value))
    except TypeError:
        refusals.add((option,), f"It is {value!r}. Give true or false.")
        return None

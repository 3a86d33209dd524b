# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select services of a project, with or without those that they depend on. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject


@dataclass(frozen=True)
class ServiceSelection:
    """The services that a task names, all without names, and those with the services that they depend on."""

    named: frozenset[str]
    chosen: frozenset[str]


def select_services(project: ComposeProject, names: Sequence[str] | None, *, dependencies: bool) -> ServiceSelection:
    """Return the selected services. ``dependencies``: with those that they depend on."""
    if names is None:
        everything = frozenset(project.services)
        return ServiceSelection(everything, everything)
    if not names:
        raise GantryError("services is an empty list. Name a service, or leave it out to select all services.")
    for name in names:
        if name not in project.services:
            raise _unknown(name, project)
    named = frozenset(names)
    return ServiceSelection(named, with_dependencies(project, named) if dependencies else named)


def part_of(project: ComposeProject, services: Iterable[str]) -> ComposeProject:
    """Return the project with only these services, the volumes that they mount, and the attributes of all that."""
    chosen = frozenset(services)
    if chosen == project.services.keys():
        return project
    kept = {name: service for name, service in project.services.items() if name in chosen}
    mounted = {entry.get("source") for service in kept.values() for entry in service.get("volumes") or ()}
    volumes = {name: volume for name, volume in project.volumes.items() if name in mounted}
    parts = {"services": kept, "volumes": volumes}
    return replace(
        project,
        services=kept,
        volumes=volumes,
        attributes=tuple(
            one
            for one in project.attributes
            if len(one.path) < 2 or one.path[0] not in parts or one.path[1] in parts[one.path[0]]
        ),
    )


def with_dependencies(project: ComposeProject, named: Iterable[str]) -> frozenset[str]:
    """Return services with all that they depend on, directly or not."""
    found: set[str] = set()
    left = list(named)
    while left:
        name = left.pop()
        if name in project.services and name not in found:
            found.add(name)
            left.extend(project.services[name].get("depends_on") or ())
    return frozenset(found)


def _unknown(name: str, project: ComposeProject) -> GantryError:
    close = difflib.get_close_matches(name, project.services, n=1)
    hint = f"Did you mean {close[0]}?" if close else "Correct the name, or enable its profile with profiles."
    known = listed(sorted(project.services)) or "none"
    return GantryError(f"services names {name}, and the services of the project are {known}. {hint}")

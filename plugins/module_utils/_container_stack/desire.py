# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a task and the files of its project to the desired stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_size
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import (
    StackSettings,
    entry_name,
    stack_entries,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import (
    PROJECT_LABEL,
    ComposeProject,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.placement import (
    ServicePlacement,
    service_placements,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import find_program, read_project
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.selection import (
    ServiceSelection,
    part_of,
    select_services,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerSelection
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.desire import desire_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import PLACEMENT, REPLICAS
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.desire_entries import (
    entries_of_task,
    removed_entries,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.desire_needs import (
    needed_images,
    needed_volumes,
    other_images,
    refuse_removals,
    removed_images,
    removed_volumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.desire_project import (
    compose_request,
    numbers_of_replicas,
    port_groups_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, StackQuery


def desire_stack(params: Mapping[str, Any]) -> DesiredStack:
    """Return the desired stack. Raise GantryError for attributes that are not supported, with their places."""
    _check(params)
    project = read_project(compose_request(params), find_program())
    selection = select_services(project, params["services"], dependencies=params["state"] == "present")
    if params["state"] == "absent":
        return _desire_removal(params, project, selection)
    settings = StackSettings(
        networks=port_groups_of(params["networks"], project),
        scale=numbers_of_replicas(params["scale"], project, selection),
        services=selection.chosen,
    )
    part = part_of(project, selection.chosen)
    found, refusals = stack_entries(project, settings)
    placements = service_placements(part, refusals)
    problems = [str(one) for one in refusals.found]
    if problems and params["unsupported"] == "fail":
        raise_all([GantryError(problem) for problem in problems])
    entries = entries_of_task(found, project, selection, params)
    places = [f"{refusals.place('services', name)}: services.{name}" for name in sorted(part.services)]
    images = tuple(needed_images(params, part, entries))
    return DesiredStack(
        project=project.name,
        containers=_containers(params, project, selection, entries, places),
        services=_entry_names(part),
        images=images,
        volumes=needed_volumes(params, part),
        placements=tuple(_placements(placements, entries, separated=params["anti_affinity"])),
        prune=other_images(params, project, images) if params["prune"] and images else None,
        warnings=(*project.warnings, *problems),
    )


def _desire_removal(params: Mapping[str, Any], project: ComposeProject, selection: ServiceSelection) -> DesiredStack:
    if params["services"] is None:
        entries = removed_entries(project, selection)
        containers = _containers(params, project, selection, entries)
        return DesiredStack(
            project=project.name,
            containers=replace(containers, present=False, untouched=frozenset()),
            images=tuple(removed_images(params, project)) if params["remove_images"] else (),
            volumes=removed_volumes(params, project) if params["remove_volumes"] else None,
            warnings=project.warnings,
        )
    return DesiredStack(
        project=project.name,
        containers=_containers(params, project, selection, removed_entries(project, selection)),
        services=_entry_names(part_of(project, selection.named)),
        warnings=project.warnings,
    )


def _containers(
    params: Mapping[str, Any],
    project: ComposeProject,
    selection: ServiceSelection,
    entries: Sequence[Mapping[str, Any]],
    places: Sequence[str] = (),
) -> DesiredSet:
    """Return the containers of the selected services. Those of the other services are left alone."""
    options = {**_set_params(params, project), "containers": entries, REPLICAS: _replicas(entries)}
    others = part_of(project, project.services.keys() - selection.chosen)
    return replace(desire_set(options, places), untouched=frozenset(_entry_names(others).values()))


def _entry_names(project: ComposeProject) -> dict[str, str]:
    return {name: entry_name(project, name) for name in sorted(project.services)}


def _check(params: Mapping[str, Any]) -> None:
    """Refuse values that would otherwise be reported for each service or volume."""
    if params["wait_timeout"] < 1:
        raise GantryError(f"wait_timeout is {params['wait_timeout']}. It must be at least 1 second.")
    refuse_removals(params)
    if params["volume_size"] is not None:
        parse_size(params["volume_size"], "volume_size")


def desire_stacks(params: Mapping[str, Any]) -> StackQuery:
    """Return which stacks a task of container_stack_info returns."""
    names = None if params["name"] is None else tuple(dict.fromkeys(params["name"]))
    one = {PROJECT_LABEL: names[0]} if names is not None and len(names) == 1 else {}
    return StackQuery(
        names,
        ContainerSelection(
            names=None, labels=one, datacenter=params["datacenter"], folder=params["folder"], label=PROJECT_LABEL
        ),
    )


def _set_params(params: Mapping[str, Any], project: ComposeProject) -> dict[str, Any]:
    """Return the options of container_set besides the containers."""
    return {
        "project": project.name,
        "state": "present",
        "defaults": {"wait_timeout": params["wait_timeout"]},
        REPLICAS: {},
        "create_only": False,
        "remove_unlisted": params["remove_orphans"],
        "planned_images": [],
        "contents": {},
        "guest_key": params["guest_key"],
        **{option: params[option] for option in PLACEMENT},
    }


def _replicas(entries: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of replicas of each service that may have several: surplus ones are removed."""
    return {entry["name"]: entry[REPLICAS] for entry in entries if REPLICAS in entry}


def _placements(
    placements: Iterable[ServicePlacement], entries: Iterable[Mapping[str, Any]], *, separated: bool
) -> Iterable[ServicePlacement]:
    """Yield the placement of each service. Where it does not say, replicas that go on running are kept apart."""
    for placement, entry in zip(placements, entries, strict=True):
        given = placement.anti_affinity
        default = separated and entry.get("state") != COMPLETED
        yield replace(placement, anti_affinity=default if given is None else given)

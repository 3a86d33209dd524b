# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What container_stack and container_stack_info return. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import PROJECT_LABEL, SERVICE_LABEL
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.result import set_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedStack,
    StackQuery,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_rules import (
    rules_result,
    rules_warnings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.result import image_result, template_facts
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.result import volumes_result


def stack_result(desired: DesiredStack, observed: ObservedStack) -> dict[str, Any]:
    """Return the containers of each service, the containers of no service, and what was added for them."""
    of_set = set_result(desired.containers, observed.containers)
    needs, volumes = observed.needs, []
    images = [image_result(request, found)["image"] for request, found in needs.images]
    if desired.volumes is not None and needs.volumes is not None:
        volumes = [one for one in volumes_result(desired.volumes, needs.volumes)["volumes"] if one is not None]
    return {
        "project": desired.project,
        "services": {name: of_set["entries"][entry] for name, entry in desired.services.items()},
        "containers": of_set["containers"],
        "orphans": of_set["unlisted"],
        "images": [one for one in images if one is not None],
        "volumes": volumes,
        "pruned_images": [] if needs.prune is None else [template_facts(one.template) for one in needs.prune.removed],
        "rules": rules_result(observed.rules),
        "durations": {name: round(seconds, 1) for name, seconds in sorted(observed.durations.items())},
        "warnings": [*desired.warnings, *of_set["warnings"], *rules_warnings(observed.rules)],
    }


def stacks_result(query: StackQuery, machines: Sequence[Machine]) -> dict[str, Any]:
    """Return the stacks by name, each with its services."""
    stacks: dict[str, list[dict[str, Any]]] = {}
    for machine in machines:
        stacks.setdefault(machine.labels[PROJECT_LABEL], []).append(container_result(machine))
    chosen = sorted(name for name in stacks if query.names is None or name in query.names)
    return {"stacks": [_stack(name, stacks[name]) for name in chosen]}


def _stack(name: str, containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    services: dict[str, list[Mapping[str, Any]]] = {}
    for one in containers:
        services.setdefault(one["labels"].get(SERVICE_LABEL, ""), []).append(one)
    return {
        "name": name,
        "services": [_service(service, members) for service, members in sorted(services.items())],
        "containers": list(containers),
    }


def _service(name: str, containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a service with the numbers of its containers in each state."""
    return {
        "name": name,
        "containers": [one["name"] for one in containers],
        "images": sorted({one["image"] for one in containers if one["image"]}),
        "running": sum(one["status"] == "running" for one in containers),
        "healthy": sum(one["health"] == "healthy" for one in containers),
        "completed": sum(one["status"] == "exited" and one["exit_code"] == 0 for one in containers),
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate a project to the entries of a set of containers: one for each service, with its number of replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.extension import (
    container_options,
    extension_of,
    refuse_other_extensions,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import (
    PROJECT_LABEL,
    SERVICE_LABEL,
    ComposeProject,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.mounts import mount_options
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.networks import network_options, port_groups
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals, refusals_of
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.selection import part_of
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.services import (
    process_options,
    published_ports,
    resource_options,
)

_COMPLETED = "service_completed_successfully"
_JOB = "replicated-job"
_MODES = frozenset({"", "replicated", _JOB})
_PULL_POLICIES = frozenset({"", "always", "missing", "if_not_present", "never"})
# The values of update_config and rollback_config that are supported.
_ACTIONS = ("pause", "continue")
_UPDATES = {"order": ("stop-first", "start-first"), "failure_action": (*_ACTIONS, "rollback")}
_ROLLBACKS = {"order": ("stop-first",), "failure_action": _ACTIONS}
# How long a container that is replaced runs on while others no longer find it, an option of update_config.
_DRAIN = "drain"


@dataclass(frozen=True)
class StackSettings:
    """What the task says besides the project. ``networks`` are port groups by networks; "*" is that of all others.

    ``services`` are those that are translated; None stands for all.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, int] = field(default_factory=dict)
    services: frozenset[str] | None = None


def stack_entries(project: ComposeProject, settings: StackSettings) -> tuple[list[dict[str, Any]], Refusals]:
    """Return the entries, in the order of the services' names, and the refusals. Refused attributes are left out."""
    # Names of a service, and whether it is a job, follow from services that are not selected, too.
    part = project if settings.services is None else part_of(project, settings.services)
    refusals = refusals_of(part)
    refuse_other_extensions(part, refusals)
    groups = port_groups(part, settings.networks, refusals)
    entries = [
        _entry(name, service, project, settings, groups, refusals.within("services", name))
        for name, service in sorted(part.services.items())
    ]
    jobs = {entry_name(project, name) for name in _jobs(project)}
    return [{**entry, "state": "completed"} if entry["name"] in jobs else entry for entry in entries], refusals


def _jobs(project: ComposeProject) -> set[str]:
    """Return the services whose end is awaited: they are jobs, or others wait for their end."""
    services = project.services
    jobs = {name for name, service in services.items() if (service.get("deploy") or {}).get("mode") == _JOB}
    for service in services.values():
        waits = service.get("depends_on") or {}
        jobs |= {name for name, values in waits.items() if values.get("condition") == _COMPLETED and name in services}
    return jobs


def _entry(
    name: str,
    service: Mapping[str, Any],
    project: ComposeProject,
    settings: StackSettings,
    groups: Mapping[str, str],
    refusals: Refusals,
) -> dict[str, Any]:
    if not service.get("image"):
        refusals.add(("build",), "Nothing is built. Build and push the image, and give image, too.")
    mode = (service.get("deploy") or {}).get("mode") or ""
    if mode not in _MODES:
        refusals.add(("deploy", "mode"), f"A service cannot be {mode}. Use replicated or {_JOB}.")
    policy = service.get("pull_policy") or ""
    if policy not in _PULL_POLICIES:
        refusals.add(("pull_policy",), f"There is no {policy}. Give always, missing or never.")
    options = {
        **process_options(service, refusals),
        **resource_options(service),
        **network_options(name, service, project, groups, refusals),
        **mount_options(service, project, refusals),
        **container_options(project, name, refusals),
    }
    options["labels"] = {**options.get("labels", {}), PROJECT_LABEL: project.name, SERVICE_LABEL: name}
    dependencies = _dependencies(name, service, project, refusals)
    if dependencies:
        options["depends_on"] = dependencies
    options |= _rollouts(service, options.pop(_DRAIN, None), refusals)
    ports = published_ports(service)
    if ports:
        options["published_ports"] = ports
    if options.get("files") or options.get("secrets"):
        options["guest_operations"] = True
    return {**_identity(name, service, project, settings, refusals), **options}


def _identity(
    name: str, service: Mapping[str, Any], project: ComposeProject, settings: StackSettings, refusals: Refusals
) -> dict[str, Any]:
    """Return the name and the number of replicas. With container_name there is one, of this name."""
    replicas = settings.scale.get(name, _replicas(service))
    if not service.get("container_name"):
        return {"name": entry_name(project, name), "replicas": replicas}
    if replicas != 1:
        refusals.add(
            ("container_name",),
            f"The service has {replicas} replicas, and a container with a name of its own is the only one.",
        )
    return {"name": service["container_name"]}


def entry_name(project: ComposeProject, service: str) -> str:
    """Return the name of a service's entry."""
    given = project.services[service].get("container_name")
    return str(given) if given else f"{project.name}-{service}"


def _dependencies(
    service_name: str, service: Mapping[str, Any], project: ComposeProject, refusals: Refusals
) -> list[str]:
    """Return the entries that a service waits for: until they have completed or are healthy, if they have a check."""
    given = service.get("depends_on") or {}
    # The loader also says restart for the services of links, where Docker Compose means the same by it as without.
    written = {attribute.path for attribute in project.attributes}
    for name, values in sorted(given.items()):
        if values.get("restart") and ("services", service_name, "depends_on", name, "restart") in written:
            refusals.add(("depends_on", name, "restart"), "A changed service does not restart others.")
    return [entry_name(project, name) for name in sorted(given) if name in project.services]


def drain_of(project: ComposeProject, service: str) -> dict[str, str]:
    """Return the part of update_config that applies to containers that are removed."""
    given = extension_of(project, "services", service)
    drain = given.get(_DRAIN) if isinstance(given, Mapping) else None
    return {} if drain is None else {_DRAIN: str(drain)}


def _rollouts(service: Mapping[str, Any], drain: str | None, refusals: Refusals) -> dict[str, Any]:
    """Return how running containers are changed, and how an update is rolled back if the service says so."""
    deploy = service.get("deploy") or {}
    options: dict[str, Any] = {}
    update = _rollout(deploy.get("update_config") or {}, refusals.within("deploy", "update_config"), _UPDATES)
    if drain is not None:
        update[_DRAIN] = str(drain)
    if update:
        options["update_config"] = update
    if update.get("failure_action") == "rollback" and deploy.get("rollback_config"):
        within = refusals.within("deploy", "rollback_config")
        options["rollback_config"] = _rollout(deploy["rollback_config"], within, _ROLLBACKS)
    return options


def _rollout(given: Mapping[str, Any], refusals: Refusals, choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    plain = ("parallelism", "delay", "monitor", "max_failure_ratio")
    options = {name: given[name] for name in plain if given.get(name) is not None}
    for name, known in choices.items():
        value = given.get(name) or ""
        if value in known:
            options[name] = value
        elif value:
            refusals.add((name,), f"There is no {value}. Give {' or '.join(known)}.")
    return options


def _replicas(service: Mapping[str, Any]) -> int:
    given = (service.get("deploy") or {}).get("replicas")
    if given is None:
        given = service.get("scale")
    return 1 if given is None else int(given)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give the entries of a stack what the task says about all of them: state, recreate and wait. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import drain_of, entry_name
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.selection import (
    ServiceSelection,
    with_dependencies,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_comparisons import IGNORE
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import (
    DEPENDS_ON,
    REPLICAS,
    UPDATE_CONFIG,
)

STOPPED = "stopped"
# Not compared: a container that exists keeps all options.
_KEEP_ALL = {"*": IGNORE}
_STARTED = "service_started"


def entries_of_task(
    entries: Sequence[Mapping[str, Any]],
    project: ComposeProject,
    selection: ServiceSelection,
    params: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the entries of the selected services, which are in the order of the services' names."""
    awaited = _awaited(project, selection.chosen)
    order = _order(project, selection.chosen)
    found = []
    for service, entry in zip(sorted(selection.chosen), entries, strict=True):
        options = {**entry, DEPENDS_ON: order[service]}
        if params["state"] == STOPPED:
            options["state"] = STOPPED
            if entry.get("state") == COMPLETED:
                # A job that is changed runs again, so it is changed by the task that runs it.
                options["comparisons"] = _KEEP_ALL
        # A group of containers is changed when the one before it is ready.
        if not params["wait"] and service not in awaited and UPDATE_CONFIG not in entry:
            options["wait"] = False
        if params["recreate"] == "never":
            options["comparisons"] = _KEEP_ALL
        elif params["recreate"] == "always" and service in selection.named:
            options["recreate"] = True
        found.append(options)
    return found


def removed_entries(project: ComposeProject, selection: ServiceSelection) -> list[dict[str, Any]]:
    """Return the entries of services of which no container is left."""
    order = _order(project, selection.named)
    return [
        {
            "name": entry_name(project, name),
            "state": "absent",
            REPLICAS: 0,
            DEPENDS_ON: order[name],
            UPDATE_CONFIG: drain_of(project, name),
        }
        for name in sorted(selection.named)
    ]


def _order(project: ComposeProject, chosen: Collection[str]) -> dict[str, list[str]]:
    """Return the entries of the services that each one depends on.

    Also through others: a job in between that has completed is not changed, so nothing waits for it.
    """
    return {
        name: [
            entry_name(project, other) for other in sorted(with_dependencies(project, [name]) & set(chosen) - {name})
        ]
        for name in chosen
    }


def _awaited(project: ComposeProject, chosen: Iterable[str]) -> set[str]:
    """Return the services that others wait for, for more than their start."""
    return {
        name
        for other in chosen
        for name, values in (project.services[other].get("depends_on") or {}).items()
        if values.get("condition") != _STARTED
    }

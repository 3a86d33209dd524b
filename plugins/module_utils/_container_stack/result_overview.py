# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project as this collection understands it: what its services become, and what it refuses or ignores. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.attributes import VERDICTS, Use
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings, stack_entries
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposePlace, ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.mounts import volumes_of
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.networks import port_groups
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import (
    DEPENDS_ON,
    REPLICAS,
    UPDATE_CONFIG,
)

_CONTENT = "content_base64"
# What the entry of a service has besides the options of its containers.
_OF_ENTRY = ("name", REPLICAS, DEPENDS_ON, UPDATE_CONFIG)


def project_overview(project: ComposeProject, settings: StackSettings) -> dict[str, Any]:
    """Return the overview of a project. It has no contents of files and secrets, only their sizes."""
    entries, refusals = stack_entries(project, settings)
    services = dict(zip(sorted(project.services), entries, strict=True))
    return {
        "project": project.name,
        "services": {name: _service(project.services[name], entry) for name, entry in services.items()},
        "networks": _networks(project, settings),
        "volumes": _volumes(project),
        "refused": [{"attribute": one.key, **_place(one.place), "reason": one.reason} for one in refusals.found],
        "ignored": list(_ignored(project)),
        "warnings": list(project.warnings),
    }


def _service(service: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in entry.items() if name not in _OF_ENTRY}
    for name in FILE_OPTIONS:
        if name in options:
            options[name] = [_without_content(file) for file in options[name]]
    return {
        "container": entry["name"],
        # With a name of its own there is one.
        "replicas": entry.get(REPLICAS, 1),
        "job": entry.get("state") == "completed",
        DEPENDS_ON: sorted(service.get(DEPENDS_ON) or ()),
        UPDATE_CONFIG: dict(entry.get(UPDATE_CONFIG) or {}),
        "options": options,
    }


def _without_content(file: Mapping[str, Any]) -> dict[str, Any]:
    size = len(base64.b64decode(file[_CONTENT]))
    return {**{key: value for key, value in file.items() if key != _CONTENT}, "bytes": size}


def _networks(project: ComposeProject, settings: StackSettings) -> dict[str, str | None]:
    """Return the port group of each network, None if the task has to give it."""
    found = port_groups(project, settings.networks, Refusals({}))
    return {name: found.get(name) for name in sorted(project.networks)}


def _volumes(project: ComposeProject) -> dict[str, dict[str, Any]]:
    own = volumes_of(project)
    return {
        name: {
            "name": str(volume.get("name") or name),
            "created": name in own,
            "labels": own[name]["labels"] if name in own else {},
            "driver_opts": dict(volume.get("driver_opts") or {}),
        }
        for name, volume in sorted(project.volumes.items())
    }


def _ignored(project: ComposeProject) -> Iterator[dict[str, Any]]:
    for attribute in project.attributes:
        found = VERDICTS.get(attribute.pattern)
        if found is not None and found.use is Use.NO_EFFECT:
            yield {"attribute": ".".join(attribute.path), **_place(attribute.place), "reason": found.text}


def _place(place: ComposePlace) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}

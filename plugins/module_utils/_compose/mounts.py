# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate what a service mounts: volumes, tmpfs, files of the project, configs and secrets."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.contents import bound_files, content_of
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

_SECRETS = "/run/secrets"
# The kinds of entries of "volumes" that have no translation, with the reason.
_KINDS = {
    "image": "Only the image of the service is mounted. Copy the files into it.",
    "npipe": "A named pipe is one of Windows.",
    "cluster": "Volumes of a cluster of Docker are not those of vSphere. Give a volume.",
}


def mount_options(service: Mapping[str, Any], project: ComposeProject, refusals: Refusals) -> dict[str, Any]:
    """Return the volumes, mounts, tmpfs, files and secrets of container_vm."""
    options: dict[str, list[Any]] = {
        "mounts": [],
        "files": [],
        "secrets": [],
        "tmpfs": list(service.get("tmpfs") or ()),
    }
    for index, entry in enumerate(service.get("volumes") or ()):
        _add_volume(entry, project, refusals.within("volumes", str(index)), options)
    for index, entry in enumerate(service.get("configs") or ()):
        target = entry.get("target") or f"/{entry['source']}"
        given = project.configs.get(entry["source"]) or {}
        content = content_of(given, entry["source"], project, refusals.within("configs", str(index)))
        if content is not None:
            options["files"].append({"target": target, **_facts(entry), "content_base64": content})
    for index, entry in enumerate(service.get("secrets") or ()):
        target = posixpath.join(_SECRETS, entry.get("target") or entry["source"])
        given = project.secrets.get(entry["source"]) or {}
        content = content_of(given, entry["source"], project, refusals.within("secrets", str(index)))
        if content is not None:
            options["secrets"].append(
                {"name": entry["source"], "target": target, **_facts(entry), "content_base64": content}
            )
    return {name: values for name, values in options.items() if values}


def volumes_of(project: ComposeProject) -> dict[str, dict[str, Any]]:
    """Return the volumes that the stack creates, as options of container_volume by the names of the project."""
    return {
        name: {"name": volume["name"], "labels": dict(volume.get("labels") or {})}
        for name, volume in project.volumes.items()
        if not volume.get("external") and not volume.get("driver_opts")
    }


def _add_volume(
    entry: Mapping[str, Any], project: ComposeProject, refusals: Refusals, options: Mapping[str, list[Any]]
) -> None:
    kind, target = entry["type"], entry["target"]
    if kind == "tmpfs":
        tmpfs = entry.get("tmpfs") or {}
        size = {"tmpfs_size": str(tmpfs["size"])} if tmpfs.get("size") else {}
        mode = {"tmpfs_mode": f"{int(tmpfs['mode']):04o}"} if tmpfs.get("mode") else {}
        options["mounts"].append({"type": "tmpfs", "target": target, **size, **mode})
    elif kind == "volume" and not entry.get("source"):
        refusals.add((), "A container has no anonymous volumes. Give the volume a name.")
    elif kind == "volume":
        options["mounts"].append(_volume(entry, project, refusals))
    elif kind == "bind":
        options["files"].extend(bound_files(entry, project, refusals))
    else:
        refusals.add(("type",), _KINDS[kind])


def _volume(entry: Mapping[str, Any], project: ComposeProject, refusals: Refusals) -> dict[str, Any]:
    source = entry["source"]
    volume = project.volumes.get(source) or {}
    if volume.get("driver") not in (None, "", "local"):
        refusals.add(("source",), f"The volume {source} has the driver {volume['driver']}. The only one is local.")
    mount: dict[str, Any] = {
        "source": str(volume.get("name") or source),
        "target": entry["target"],
        "read_only": bool(entry.get("read_only")),
    }
    if volume.get("driver_opts"):
        return {**mount, "volume_options": dict(volume["driver_opts"])}
    if (entry.get("volume") or {}).get("nocopy"):
        mount["no_copy"] = True
    return mount


def _facts(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return owner, group and mode, where they are given."""
    names = {"uid": "owner", "gid": "group", "mode": "mode"}
    return {option: str(entry[key]) for key, option in names.items() if entry.get(key) not in (None, "")}

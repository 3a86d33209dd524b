# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Translate what a service mounts: volumes, tmpfs, files of the project, configs and secrets."""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

_SECRETS = "/run/secrets"
_DOCKER_SOCKET = "docker.sock"
# The kinds of entries of "volumes" that have no translation, with the reason.
_KINDS = {
    "image": "Only the image of the service is mounted. Copy the files into it.",
    "npipe": "A named pipe is one of Windows.",
    "cluster": "Volumes of a cluster of Docker are not those of vSphere. Give a volume.",
}
# What is carried as content, as container_vm delivers it.
_MOST_FILES, _MOST_BYTES = 64, 4 << 20
_TOO_MUCH = "too much to carry as content. Put it into the image, or into a volume."


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
        content = _content(given, entry["source"], project, refusals.within("configs", str(index)))
        options["files"].append({"target": target, **_facts(entry), **content})
    for index, entry in enumerate(service.get("secrets") or ()):
        target = posixpath.join(_SECRETS, entry.get("target") or entry["source"])
        given = project.secrets.get(entry["source"]) or {}
        content = _content(given, entry["source"], project, refusals.within("secrets", str(index)))
        options["secrets"].append({"name": entry["source"], "target": target, **_facts(entry), **content})
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
        options["files"].extend(_bound(entry, project, refusals))
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


def _bound(entry: Mapping[str, Any], project: ComposeProject, refusals: Refusals) -> Iterator[dict[str, Any]]:
    """Yield the files of a path of the project, as they are carried to the guest."""
    path, target = Path(entry["source"]), entry["target"]
    at = refusals.within("source")
    if path.name == _DOCKER_SOCKET:
        at.add((), "There is no Docker daemon whose socket the container could use.")
        return
    if not entry.get("read_only"):
        refusals.add(
            ("read_only",),
            f"{path} would be shared with a host, and a container VM has none. Say read_only: true (:ro) to carry its "
            f"content, or use a named volume, such as {_named(path)}:{target}.",
        )
        return
    if not _is_of_project(path, project, at):
        return
    if not path.exists():
        at.add((), f"{path} does not exist. A container VM has no host whose directories it could share.")
        return
    found = [path] if path.is_file() else sorted(islice(_files_below(path), _MOST_FILES + 1))
    if len(found) > _MOST_FILES:
        at.add((), f"{path} has more than {_MOST_FILES} files, which is {_TOO_MUCH}")
        return
    if sum(one.stat().st_size for one in found) > _MOST_BYTES:
        at.add((), f"{path} has more than {_MOST_BYTES} bytes, which is {_TOO_MUCH}")
        return
    for one in found:
        content = _carried(one, project, at)
        place = target if one == path else posixpath.join(target, one.relative_to(path).as_posix())
        yield {"target": place, "mode": f"{one.stat().st_mode & 0o777:04o}", **content}


def _files_below(directory: Path) -> Iterator[Path]:
    return (one for one in directory.rglob("*") if one.is_file())


def _is_of_project(path: Path, project: ComposeProject, refusals: Refusals) -> bool:
    """Return whether a file is in the project, which must not carry other files of this machine to its containers."""
    if path.resolve().is_relative_to(project.directory.resolve()):
        return True
    refusals.add((), f"{path} is outside of the project's directory {project.directory}. Only files in it are carried.")
    return False


def _carried(path: Path, project: ComposeProject, refusals: Refusals) -> dict[str, str]:
    """Return the content of a file as an option of container_vm."""
    if not _is_of_project(path, project, refusals):
        return {}
    try:
        content = path.read_bytes()
    except OSError as error:
        refusals.add((), f"The file {path} cannot be read: {error.strerror}.")
        return {}
    return _encoded(content)


def _encoded(content: bytes) -> dict[str, str]:
    return {"content_base64": base64.b64encode(content).decode()}


def _named(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path.name).strip("-").lower() or "data"


def _content(given: Mapping[str, Any], name: str, project: ComposeProject, refusals: Refusals) -> dict[str, str]:
    if given.get("content") is not None:
        return _encoded(str(given["content"]).encode())
    if given.get("environment"):
        variable = given["environment"]
        refusals.add((), f"The variable {variable} of {name} has no value. Give it in variables or in .env.")
        return {}
    if not given.get("file"):
        refusals.add((), f"{name} has no content. Give file, environment or content.")
        return {}
    path = Path(given["file"])
    if path.exists() and (not path.is_file() or path.stat().st_size > _MOST_BYTES):
        refusals.add((), f"{path} of {name} is not a regular file of at most {_MOST_BYTES} bytes.")
        return {}
    return _carried(path, project, refusals)


def _facts(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return owner, group and mode, where they are given."""
    names = {"uid": "owner", "gid": "group", "mode": "mode"}
    return {option: str(entry[key]) for key, option in names.items() if entry.get(key) not in (None, "")}

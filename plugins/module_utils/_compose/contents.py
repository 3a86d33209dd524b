# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read files of a project whose content is carried to a container: bind mounts, configs and secrets.

Only files in the project's directory are read. Others of this machine must not get into containers.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.refusals import Refusals

_DOCKER_SOCKET = "docker.sock"
# The limits of what container_vm delivers to a guest.
_MOST_FILES, _MOST_BYTES = 64, 4 << 20
_TOO_MUCH = "too much to carry as content. Put it into the image, or into a volume."


def bound_files(entry: Mapping[str, Any], project: ComposeProject, refusals: Refusals) -> list[dict[str, Any]]:
    """Return the files below the path of a bind mount, as container_vm has them in ``files``."""
    path, target = Path(entry["source"]), entry["target"]
    at = refusals.within("source")
    if path.name == _DOCKER_SOCKET:
        at.add((), "There is no Docker daemon whose socket the container could use.")
        return []
    if not entry.get("read_only"):
        refusals.add(
            ("read_only",),
            f"{path} would be shared with a host, and a container VM has none. Say read_only: true (:ro) to carry its "
            f"content, or use a named volume, such as {_volume_name(path)}:{target}.",
        )
        return []
    files: list[dict[str, Any]] = []
    with _reading(at):
        for one in _files_of(path, project, at):
            content = _content(one, project, at)
            if content is None:
                continue
            place = target if one == path else posixpath.join(target, one.relative_to(path).as_posix())
            mode = f"{one.stat().st_mode & 0o777:04o}"
            files.append({"target": place, "mode": mode, "content_base64": content})
    return files


def content_of(given: Mapping[str, Any], name: str, project: ComposeProject, refusals: Refusals) -> str | None:
    """Return the content of a config or a secret in Base64, or None if it is refused."""
    if given.get("content") is not None:
        return _encoded(str(given["content"]).encode())
    if given.get("environment"):
        variable = given["environment"]
        refusals.add((), f"The variable {variable} of {name} has no value. Give it in secret_variables or .env.")
        return None
    if not given.get("file"):
        refusals.add((), f"{name} has no content. Give file, environment or content.")
        return None
    path, content = Path(given["file"]), None
    with _reading(refusals):
        if path.exists() and (not path.is_file() or path.stat().st_size > _MOST_BYTES):
            refusals.add((), f"{path} of {name} is not a regular file of at most {_MOST_BYTES} bytes.")
        else:
            content = _content(path, project, refusals)
    return content


@contextmanager
def _reading(refusals: Refusals) -> Iterator[None]:
    """Refuse a file that cannot be read."""
    try:
        yield
    except OSError as error:
        refusals.add((), f"{error.filename} cannot be read: {error.strerror}.")


def _files_of(path: Path, project: ComposeProject, refusals: Refusals) -> list[Path]:
    """Return the file, or the files below a directory; refuse those that cannot be carried."""
    if not _is_of_project(path, project, refusals):
        return []
    if not path.exists():
        refusals.add((), f"{path} does not exist. A container VM has no host whose directories it could share.")
        return []
    found = [path] if path.is_file() else sorted(islice(_files_below(path, refusals), _MOST_FILES + 1))
    if not found:
        refusals.add((), f"{path} has no files that could be carried as content.")
    if len(found) > _MOST_FILES:
        refusals.add((), f"{path} has more than {_MOST_FILES} files, which is {_TOO_MUCH}")
        return []
    if sum(one.stat().st_size for one in found) > _MOST_BYTES:
        refusals.add((), f"{path} has more than {_MOST_BYTES} bytes, which is {_TOO_MUCH}")
        return []
    return found


def _files_below(directory: Path, refusals: Refusals) -> Iterator[Path]:
    for one in directory.rglob("*"):
        if one.is_file():
            yield one
        elif one.is_symlink() or not one.is_dir():
            refusals.add((), f"{one} is neither a regular file nor a directory. Only these are carried as content.")


def _is_of_project(path: Path, project: ComposeProject, refusals: Refusals) -> bool:
    if path.resolve().is_relative_to(project.directory.resolve()):
        return True
    refusals.add((), f"{path} is outside of the project's directory {project.directory}. Only files in it are carried.")
    return False


def _content(path: Path, project: ComposeProject, refusals: Refusals) -> str | None:
    # A file below a directory can be a link that leads out of the project.
    return _encoded(path.read_bytes()) if _is_of_project(path, project, refusals) else None


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _volume_name(path: Path) -> str:
    """Return the name of a path as that of a volume, for an example."""
    return re.sub(r"[^A-Za-z0-9]+", "-", path.name).strip("-").lower() or "data"

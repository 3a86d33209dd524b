# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project of Compose files: what is to be read, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

# The labels by which Docker Compose marks its containers, and by which tools find them.
PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


@dataclass(frozen=True)
class ComposeRequest:
    """The files of a project, and what their variables are replaced with."""

    directory: Path
    """Absolute. Relative paths in the files are relative to it, and other files are read in it only."""
    files: tuple[Path, ...] = ()
    definition: str | None = None
    """The content of a further file, which is merged after the others."""
    project_name: str | None = None
    env_files: tuple[Path, ...] | None = None
    """None reads the project's .env if there is one."""
    profiles: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        relative = [path for path in (self.directory, *self.files, *(self.env_files or ())) if not path.is_absolute()]
        if relative:
            raise GantryError(f"The path {relative[0]} of a Compose project is not absolute.")
        if not self.files and self.definition is None:
            raise GantryError("A Compose project needs a file or a definition.")


@dataclass(frozen=True)
class ComposePlace:
    """A line in a file; without a line, the file as a whole, and without a file, an unknown place."""

    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        if self.file is None:
            return "The project"
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class ComposeAttribute:
    """An attribute that the files of a project set, an extension, or a part with a name, such as a service."""

    pattern: str
    """Its path in the specification, as in services.*.ports.[].mode."""
    path: tuple[str, ...]
    place: ComposePlace


@dataclass(frozen=True)
class ComposeProject:
    """The canonical model of a project: merged, with variables replaced, and in the long form everywhere."""

    name: str
    directory: Path
    """The directory of the project, whose files it may name."""
    services: Mapping[str, Mapping[str, Any]]
    """The services that the profiles enable, by name."""
    networks: Mapping[str, Mapping[str, Any]]
    volumes: Mapping[str, Mapping[str, Any]]
    secrets: Mapping[str, Mapping[str, Any]]
    configs: Mapping[str, Mapping[str, Any]]
    extensions: Mapping[tuple[str, ...], Mapping[str, Any]]
    """The x-* attributes, by the path of the part that has them, as in ("services", "web"); () is the top level."""
    attributes: tuple[ComposeAttribute, ...]
    warnings: tuple[str, ...]

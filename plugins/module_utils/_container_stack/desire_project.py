# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task says of the project itself: its files and variables, and its networks and services by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeProject, ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.selection import ServiceSelection
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.options import DEFAULT_FILES

# Services without networks are in the network default, and * stands for all that are not named.
_IMPLIED_NETWORKS = frozenset({"default", "*"})


def compose_request(params: Mapping[str, Any]) -> ComposeRequest:
    """Return which files are read, and what their variables are replaced with."""
    directory = Path(params["project_src"] or ".").absolute()
    files = [directory / one for one in params["files"] or ()]
    if not files and params["definition"] is None:
        files = [_default_file(directory)]
    return ComposeRequest(
        directory=directory,
        files=tuple(files),
        definition=params["definition"],
        project_name=params["project_name"],
        env_files=None if params["env_files"] is None else tuple(directory / one for one in params["env_files"]),
        profiles=tuple(params["profiles"]),
        variables=_variables(params),
    )


def port_groups_of(given: Mapping[str, Any], project: ComposeProject) -> dict[str, str]:
    """Return the port groups that the task gives to networks of the project."""
    groups = parse_strings(given, "networks")
    unknown = sorted(set(groups) - set(project.networks) - _IMPLIED_NETWORKS)
    if unknown:
        raise GantryError(
            f"networks names {', '.join(unknown)}, and the networks of the project are "
            f"{', '.join(sorted(project.networks)) or 'none'}. Correct the name."
        )
    return dict(groups)


def numbers_of_replicas(
    given: Mapping[str, Any], project: ComposeProject, selection: ServiceSelection
) -> dict[str, int]:
    """Return the numbers of replicas that the task gives to selected services."""
    unknown = sorted(set(given) - set(project.services))
    if unknown:
        raise GantryError(
            f"scale names {', '.join(unknown)}, and the services of the project are "
            f"{', '.join(sorted(project.services)) or 'none'}. Correct the name."
        )
    useless = sorted(set(given) - selection.chosen)
    if useless:
        raise GantryError(
            f"scale names {', '.join(useless)}, and services selects {', '.join(sorted(selection.chosen))}. Name it in "
            "services, too."
        )
    numbers = {}
    for name, value in given.items():
        text = str(value)
        if not text.isascii() or not text.isdigit():
            raise GantryError(f"scale of {name} is {value!r}. Give a whole number, 0 or more.")
        numbers[name] = int(text)
    return numbers


def _variables(params: Mapping[str, Any]) -> dict[str, str]:
    plain, secret = (parse_strings(params[option], option) for option in ("variables", "secret_variables"))
    both = sorted(plain.keys() & secret.keys())
    if both:
        raise GantryError(f"variables and secret_variables both have {listed(both)}. Give each variable once.")
    return {**plain, **secret}


def _default_file(directory: Path) -> Path:
    for name in DEFAULT_FILES:
        if (directory / name).is_file():
            return directory / name
    raise GantryError(
        f"There is no Compose file in {directory}: none of {', '.join(DEFAULT_FILES)}. Give project_src, files or "
        "definition."
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse files of environment variables, in the format of docker_container's env_file. Pure.

The action of a module has read the file on the controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

ENV_FILE, ENV_FILE_CONTENT = "env_file", "env_file_content"


def with_env_file(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options with the variables of the env_file in env, where those of env override them."""
    path, content, env = params[ENV_FILE], params[ENV_FILE_CONTENT], params["env"]
    if params["state"] == "absent" or (path is None and content is None):
        return params
    if content is None:
        raise GantryError(
            f"env_file is {path!r}, and its content is not given. The file is read on the controller, by the action of "
            "the module. Give env_file_content where the module is run without it."
        )
    return {**params, "env": {**parse_env_file(content, path), **(env or {})}}


def parse_env_file(content: str, path: str | None) -> dict[str, str]:
    """Return the variables of the lines NAME=value; empty lines and those that begin with # are ignored.

    As in Docker, quotes and further equals signs belong to the value.
    """
    env = {}
    for number, line in enumerate(content.split("\n"), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not name or not equals:
            # The line may be a secret, so it is not shown.
            where = "env_file_content" if path is None else f"env_file {path}"
            raise GantryError(f"Line {number} of {where} is not NAME=value. Correct it, or begin it with #.")
        env[name] = value
    return env

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read files of environment variables where the task runs, in the format of docker_container's env_file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError

ENV_FILE = "env_file"


def with_env_file(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container's options with the variables of its env_file in env, where those of env override them."""
    path, env = options.get(ENV_FILE), options.get("env")
    # Another type of env is refused with the other options.
    if path is None or options.get("state") == "absent" or not (env is None or isinstance(env, Mapping)):
        return dict(options)
    return {**options, "env": {**parse_env_file(_read(str(path)), str(path)), **(env or {})}}


def with_env_files(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of container_set with the variables of the env_file of each container, or of the defaults."""
    if params["state"] == "absent":
        return dict(params)
    entries = enumerate(params["containers"])
    return {
        **params,
        "containers": [_entry_with_env_file(index, entry, params["defaults"]) for index, entry in entries],
    }


def _entry_with_env_file(index: int, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    path = entry.get(ENV_FILE, defaults.get(ENV_FILE))
    envs = [options.get("env") or {} for options in (defaults, entry)]
    if path is None or not all(isinstance(env, Mapping) for env in envs):
        return dict(entry)
    try:
        return with_env_file({**entry, ENV_FILE: path, "env": {**envs[0], **envs[1]}})
    except GantryError as error:
        where = f"containers[{index}] ({entry.get('name')})"
        raise GantryError(f"{where}: {error.message.rstrip('.')}.") from error


def _read(path: str) -> str:
    if not path.startswith("/"):
        raise GantryError(
            f"env_file is {path!r}. It must be an absolute path on the machine that the task runs on, such as "
            "{{ playbook_dir }}/web.env."
        )
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GantryError(
            f"env_file {path} cannot be read: {error}. Check the path and the permissions on the machine that the task "
            "runs on."
        ) from error


def parse_env_file(content: str, path: str) -> dict[str, str]:
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
            raise GantryError(f"Line {number} of env_file {path} is not NAME=value. Correct it, or begin it with #.")
        env[name] = value
    return env

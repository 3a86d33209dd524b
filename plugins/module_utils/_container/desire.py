# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert a task's options to the desired state. Pure; invalid options are refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.env_file import (
    ENV_FILE,
    ENV_FILE_CONTENT,
    with_env_file,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    ContainerSelection,
    DesiredContainer,
    PlacementOption,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_config import Config
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import COMPLETED, OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import check_allocation
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_comparisons import parse_comparisons
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import number_from, refuse_nul
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey, parse_guest_key
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import (
    IMAGE_PREFIX,
    PREDECESSOR_SUFFIX,
    SUCCESSOR_SUFFIX,
)

# Leaves room for the suffix of a successor within vSphere's 80 characters, and for the longest host name.
MAX_NAME = 63
_MAX_USAGE_MINUTES, _MAX_EVENTS = 60, 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def desire_container(params: Mapping[str, Any]) -> DesiredContainer:
    """Return the desired state of one container."""
    name = parse_name(params["name"])
    config = _desire_config(params)
    for option in ("wait_timeout", "healthy_wait_timeout"):
        if params[option] is not None and params[option] < 1:
            raise GantryError(f"{option} is {params[option]}. It must be at least 1 second.")
    if config is None and params["recreate"]:
        raise GantryError("recreate requires image.")
    if config is not None and params["state"] == "suspended":
        raise GantryError(
            "state is suspended and image is given. A suspended VM cannot be reconfigured, so this state only suspends "
            "an existing container. Leave out image and the other options of the configuration."
        )
    if params["restart"] and params["state"] in ("present", "stopped", "suspended", "absent"):
        raise GantryError(
            f"restart is given with state: {params['state']}. It is for states in which the container runs: started, "
            "healthy, ready and completed. Change the state, or remove restart."
        )
    policy = None if config is None else config.values["restart_policy"]
    if params["state"] == COMPLETED and policy in ("always", "unless-stopped"):
        raise GantryError(
            f"state is {COMPLETED} and restart_policy is {policy}, with which a container does not end. Give "
            "restart_policy: no or on-failure, or another state."
        )
    return DesiredContainer(
        name=name,
        state=params["state"],
        config=config,
        placement=PlacementOption(
            datacenter=params["datacenter"],
            cluster=params["cluster"],
            resource_pool=params["resource_pool"],
            folder=params["folder"],
            datastore=params["datastore"],
            bootstrap=params["bootstrap"],
            drift=params["placement_drift"],
        ),
        guest_operations=params["guest_operations"],
        guest_key=_desire_guest_key(params),
        notes=params["notes"],
        comparisons=parse_comparisons(params["comparisons"]),
        recreate=params["recreate"],
        restart=params["restart"],
        force_kill=params["force_kill"],
        stop_timeout=None
        if params["stop_timeout"] is None
        else number_from(0, "stop_timeout")(params["stop_timeout"], params),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        healthy_wait_timeout=params["healthy_wait_timeout"],
    )


def parse_name(name: str) -> str:
    """Return a container's name, with Docker's characters and short enough for a host name."""
    if _NAME.fullmatch(name) is None or len(name) > MAX_NAME:
        raise GantryError(
            f"name is {name!r}. A container's name has letters, digits, '_', '.' and '-', begins with a letter or "
            f"digit, and has at most {MAX_NAME} characters."
        )
    if name.startswith(IMAGE_PREFIX) or name.endswith((SUCCESSOR_SUFFIX, PREDECESSOR_SUFFIX)):
        raise GantryError(
            f"name is {name!r}. Names that begin with {IMAGE_PREFIX!r}, or end with {SUCCESSOR_SUFFIX!r} or "
            f"{PREDECESSOR_SUFFIX!r}, are reserved for the collection's own templates and replacements."
        )
    return name


def _desire_config(params: Mapping[str, Any]) -> Config | None:
    if params["image"] is None:
        # stop_timeout also applies when only the state is managed.
        options = (option.name for option in OPTIONS if option.name != "stop_timeout")
        names = (ENV_FILE, ENV_FILE_CONTENT, "guest_operations", "comparisons", *options)
        given = [name for name in names if params[name] is not None]
        if given and params["state"] != "absent":
            raise GantryError(
                f"{', '.join(given)} given without image. A container's configuration is given whole, with its image. "
                "Without image only the state of an existing container is managed."
            )
        return None
    params = with_env_file(params)
    refuse_nul({option.name: params[option.name] for option in OPTIONS if option.name not in FILE_OPTIONS})
    values = {option.name: option.value(params) for option in OPTIONS}
    check_allocation(values)
    return Config(values)


def _desire_guest_key(params: Mapping[str, Any]) -> GuestKey | None:
    key = parse_guest_key(params["guest_key"])
    if key is None and params["guest_operations"] and params["state"] != "absent":
        raise GantryError(
            "guest_operations is true and there is no guest_key, from which the secret of the container is derived. "
            "Give guest_key, or set the environment variable GANTRY_GUEST_KEY."
        )
    return key


def desire_selection(params: Mapping[str, Any]) -> ContainerSelection:
    """Return a selection of containers, of which nothing is read on request."""
    return ContainerSelection(
        names=None if params["name"] is None else tuple(params["name"]),
        labels=parse_strings(params["labels"] or {}, "labels"),
        datacenter=params["datacenter"],
        folder=params["folder"],
    )


def desire_container_info(params: Mapping[str, Any]) -> ContainerSelection:
    """Return the selection of containers of a task, and what it reads of them."""
    return replace(
        desire_selection(params),
        logs=params["logs"],
        exit_from_disk=params["exit_from_disk"],
        usage_minutes=_within(
            params, "usage_minutes", _MAX_USAGE_MINUTES, "vCenter keeps real-time statistics of an hour"
        ),
        events=_within(params, "events", _MAX_EVENTS, "vCenter returns no more of them at once"),
    )


def _within(params: Mapping[str, Any], name: str, most: int, reason: str) -> int:
    value: int = params[name]
    if not 0 <= value <= most:
        raise GantryError(f"{name} is {value}, and must be from 0 to {most}: {reason}.")
    return value

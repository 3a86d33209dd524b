# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option update_config of a container in a set. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_duration
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import UpdatePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import UPDATE_CONFIG

_SPEC: Mapping[str, Any] = {
    "parallelism": {"type": "int", "default": 1},
    "delay": {"type": "str", "default": "0s"},
    "monitor": {"type": "str", "default": "0s"},
    "failure_action": {"type": "str", "choices": ["pause", "continue"], "default": "pause"},
    "order": {"type": "str", "choices": ["stop-first"], "default": "stop-first"},
}


def parse_update_config(given: Any, where: str) -> UpdatePolicy:
    """Return how an entry's running containers are changed."""
    if given is None:
        return UpdatePolicy()
    if not isinstance(given, Mapping):
        raise GantryError(f"{where} has {UPDATE_CONFIG}: {given!r}. Give a dictionary with {', '.join(_SPEC)}.")
    unknown = [str(key) for key in given if key not in _SPEC]
    if unknown:
        raise GantryError(f"{where} has {UPDATE_CONFIG} with {listed(unknown)}. It has {', '.join(_SPEC)}.")
    checked = ArgumentSpecValidator(dict(_SPEC)).validate(dict(given))
    if checked.error_messages:
        raise GantryError(f"{where}: {UPDATE_CONFIG}: {checked.errors.msg.rstrip('.')}.")
    values = checked.validated_parameters
    if values["parallelism"] < 0:
        raise GantryError(
            f"{where} has {UPDATE_CONFIG}.parallelism: {values['parallelism']}. Give a number of containers, or 0 for "
            "all at the same time."
        )
    return UpdatePolicy(
        parallelism=values["parallelism"],
        delay=parse_duration(values["delay"], f"{where}: {UPDATE_CONFIG}.delay"),
        monitor=parse_duration(values["monitor"], f"{where}: {UPDATE_CONFIG}.monitor"),
        continues=values["failure_action"] == "continue",
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options update_config and rollback_config of a container in a set. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_duration
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Replacement
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import RolloutPolicy, UpdatePolicy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import (
    ROLLBACK_CONFIG,
    UPDATE_CONFIG,
)

_ROLLBACK = "rollback"
_START_FIRST = "start-first"
_ROLLOUT: Mapping[str, Any] = {
    "parallelism": {"type": "int", "default": 1},
    "delay": {"type": "str", "default": "0s"},
    "monitor": {"type": "str", "default": "0s"},
    "max_failure_ratio": {"type": "float", "default": 0.0},
}
_UPDATE: Mapping[str, Any] = {
    **_ROLLOUT,
    "failure_action": {"type": "str", "choices": ["pause", "continue", _ROLLBACK], "default": "pause"},
    "order": {"type": "str", "choices": ["stop-first", _START_FIRST], "default": "stop-first"},
    "drain": {"type": "str", "default": "0s"},
}
_ROLLING_BACK: Mapping[str, Any] = {
    **_ROLLOUT,
    "failure_action": {"type": "str", "choices": ["pause", "continue"], "default": "pause"},
    "order": {"type": "str", "choices": ["stop-first"], "default": "stop-first"},
}


def parse_update_config(given: Any, rollback: Any, where: str) -> UpdatePolicy:
    """Return how an entry's running containers are changed, and how they get back what they had."""
    update = f"{where}: {UPDATE_CONFIG}"
    values = _validated({} if given is None else given, _UPDATE, UPDATE_CONFIG, where)
    back = _validated({} if rollback is None else rollback, _ROLLING_BACK, ROLLBACK_CONFIG, where)
    rolls_back = values["failure_action"] == _ROLLBACK
    if rollback is not None and not rolls_back:
        raise GantryError(
            f"{where} has {ROLLBACK_CONFIG}, and the failure_action of its {UPDATE_CONFIG} is "
            f"{values['failure_action']}, so that nothing would ever be rolled back. Set failure_action: rollback, or "
            f"leave out {ROLLBACK_CONFIG}."
        )
    return UpdatePolicy(
        rollout=_rollout(values, update),
        replacement=Replacement(
            starts_first=values["order"] == _START_FIRST,
            keeps=rolls_back,
            drain=parse_duration(values["drain"], f"{update}.drain"),
        ),
        rollback=_rollout(back, f"{where}: {ROLLBACK_CONFIG}") if rolls_back else None,
    )


def _validated(given: Any, spec: Mapping[str, Any], option: str, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise GantryError(f"{where} has {option}: {given!r}. Give a dictionary with {', '.join(spec)}.")
    unknown = [str(key) for key in given if key not in spec]
    if unknown:
        raise GantryError(f"{where} has {option} with {listed(unknown)}. It has {', '.join(spec)}.")
    checked = ArgumentSpecValidator(dict(spec)).validate(dict(given))
    if checked.error_messages:
        raise GantryError(f"{where}: {option}: {checked.errors.msg.rstrip('.')}.")
    values: dict[str, Any] = checked.validated_parameters
    if values["parallelism"] < 0:
        raise GantryError(
            f"{where} has {option}.parallelism: {values['parallelism']}. Give a number of containers, or 0 for all at "
            "the same time."
        )
    if not 0 <= values["max_failure_ratio"] <= 1:
        raise GantryError(
            f"{where} has {option}.max_failure_ratio: {values['max_failure_ratio']:g}. Give a share between 0 and 1."
        )
    return values


def _rollout(values: Mapping[str, Any], where: str) -> RolloutPolicy:
    return RolloutPolicy(
        parallelism=values["parallelism"],
        delay=parse_duration(values["delay"], f"{where}.delay"),
        monitor=parse_duration(values["monitor"], f"{where}.monitor"),
        continues=values["failure_action"] == "continue",
        max_failure_ratio=values["max_failure_ratio"],
    )

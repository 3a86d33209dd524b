# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the commands that run in a container after its start and before its stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_parsers import (
    parse_absolute,
    parse_program,
    parse_variables,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import HookOption

HOOK_ARGUMENTS: dict[str, dict[str, Any]] = {
    "command": {"type": "raw", "required": True},
    "user": {"type": "str"},
    "working_dir": {"type": "str"},
    "env": {"type": "dict"},
}
HOOK_OPTIONS = ("post_start", "pre_stop")
# As many as the guest takes.
_MOST = 16


def hooks_of(option: str) -> Callable[[Any, Mapping[str, Any]], tuple[HookOption, ...]]:
    """Return the parser of an option with such commands."""
    return lambda given, _params: _parse(given or (), option)


def _parse(given: Sequence[Mapping[str, Any]], option: str) -> tuple[HookOption, ...]:
    if len(given) > _MOST:
        raise GantryError(
            f"{option} has {len(given)} commands, and at most {_MOST} are possible. Put some into a script."
        )
    return tuple(_hook(one, f"{option}[{index}]") for index, one in enumerate(given))


def _hook(given: Mapping[str, Any], where: str) -> HookOption:
    return HookOption(
        parse_program(given["command"], f"{where}.command"),
        given["user"],
        parse_absolute(given["working_dir"], f"{where}.working_dir"),
        parse_variables(given["env"], f"{where}.env"),
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse comparisons: how the options of a task are compared with an existing container. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import OPTIONS, ContainerOption
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_files import FILE_OPTIONS
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_refused import refusals

COMPARISONS = "comparisons"
STRICT, IGNORE, MORE = "strict", "ignore", "allow_more_present"
_ALL = "*"
# Lists and dictionaries that are one value, and files, of which a container only has digests.
_WHOLE = ("command", "entrypoint", "healthcheck", *FILE_OPTIONS)


def parse_comparisons(given: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the options that are not compared strictly, with how they are compared."""
    names = {name: option for option in OPTIONS for name in _names(option)}
    for name, value in (given or {}).items():
        if name == _ALL:
            _check(name, value, (STRICT, IGNORE))
        elif name in names:
            _check(name, value, (STRICT, IGNORE, MORE) if takes_more(names[name]) else (STRICT, IGNORE))
        else:
            raise _unknown(str(name), names)
    common = (given or {}).get(_ALL, STRICT)
    # The value of an alias counts as that of the option.
    chosen = {names[name].name: value for name, value in (given or {}).items() if name != _ALL}
    found = {option.name: chosen.get(option.name, common) for option in OPTIONS}
    if len({found[option] for option in FILE_OPTIONS}) > 1:
        raise GantryError(
            f"comparisons ignores only one of {' and '.join(FILE_OPTIONS)}, which are delivered together. Give the "
            "same for both."
        )
    return {name: value for name, value in found.items() if value != STRICT}


def takes_more(option: ContainerOption) -> bool:
    """Return whether a container may have more than the task gives: only of lists and dictionaries."""
    return option.argument["type"] in ("list", "dict") and option.name not in _WHOLE


def _names(option: ContainerOption) -> tuple[str, ...]:
    return (option.name, *option.argument.get("aliases", ()))


def _check(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise GantryError(
            f"comparisons compares {name!r} by {value!r}. Give {' or '.join(choices)}. {MORE} is only for lists and "
            "dictionaries whose items can be told apart."
        )


def _unknown(name: str, names: Mapping[str, ContainerOption]) -> GantryError:
    if refused := refusals([name]):
        return GantryError(f"comparisons names {name!r}. {refused[0].message}")
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"Its keys are '*', {', '.join(names)}."
    return GantryError(f"comparisons names {name!r}, which is no option of a container's configuration. {hint}")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the reservations, limits and shares that a container's VM is to have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import (
    DEFAULTS,
    KINDS,
    LEVELS,
)


def target_allocation(
    values: Mapping[str, Any],
    recorded: Mapping[str, Any],
    current: Mapping[str, int | str],
    units: Mapping[str, int],
) -> dict[str, int | str]:
    """Return the allocation: the given values, the defaults of those that were given before, and else the current ones.

    ``units`` are the virtual CPUs and the MiB of memory, on which the number of shares of a level depends.
    """
    target: dict[str, int | str] = {}
    for name, default in DEFAULTS.items():
        given = values[name]
        if given is None:
            given = current[name] if recorded.get(name) is None else default
        target[name] = given
    for kind in KINDS:
        name = f"{kind}_shares"
        # vCenter shows the number of a level as the level.
        numbers: dict[int | str, str] = {number * units[kind]: level for level, number in LEVELS[kind].items()}
        target[name] = numbers.get(target[name], target[name])
    return target

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the parameters of resource_pool to the desired pool. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB, parse_size
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    LEVEL_OF_SHARES,
    MEMORY,
    SHARES_LEVELS,
    UNLIMITED,
    Allocations,
    DesiredPool,
    DesiredPools,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import parse_path

_NUMBER = re.compile(r"\d+")


def desire_pools(params: Mapping[str, Any]) -> DesiredPools:
    """Return the pool or the pools that a task describes."""
    listed = params["pools"] is not None
    pools = params["pools"] if listed else [params]
    return DesiredPools(
        pools=tuple(desire_pool({**params, **pool}) for pool in pools),
        listed=listed,
        present=params["state"] == "present",
        assume_drs=params["assume_drs"],
        assume_removed=frozenset(params["assume_removed"]),
    )


def desire_pool(params: Mapping[str, Any]) -> DesiredPool:
    """Return the pool that a task describes, with the allocations that it gives."""
    return DesiredPool(
        path=parse_path(params["path"], "path"),
        cluster=params["cluster"],
        datacenter=params["datacenter"],
        present=params["state"] == "present",
        allocations=_allocations(params),
    )


def _allocations(params: Mapping[str, Any]) -> Allocations:
    return {
        kind: {name: _value(kind, name, value) for name, value in (params[kind] or {}).items() if value is not None}
        for kind in (CPU, MEMORY)
    }


def _value(kind: str, name: str, value: Any) -> Any:
    option = f"{kind}.{name}"
    if name == "shares":
        return _shares(kind, value, option)
    if name == "limit" and value == UNLIMITED:
        return UNLIMITED
    if name in ("reservation", "limit"):
        return _amount(kind, str(value), option)
    return value


def _amount(kind: str, text: str, option: str) -> int:
    """Return a number of MHz or MB."""
    if text.startswith("-"):
        instead = f" Write {UNLIMITED} for no limit." if option.endswith("limit") else ""
        raise GantryError(f"{option} is {text}. It must not be negative.{instead}")
    if kind == MEMORY:
        size = parse_size(text, option)
        if size % MIB:
            raise GantryError(
                f"{option} is {text!r}, which is {size} bytes. vSphere counts the memory of resource pools in whole "
                "MiB; write a size such as 512M or 8G."
            )
        return size // MIB
    if _NUMBER.fullmatch(text) is None:
        raise GantryError(f"{option} is {text!r}, which is not a number of MHz such as 2000.")
    return int(text)


def _shares(kind: str, text: str, option: str) -> str | int:
    """Return the level, also of a number that is one; else the number."""
    if text in SHARES_LEVELS:
        return text
    if _NUMBER.fullmatch(text) is None or int(text) == 0:
        raise GantryError(
            f"{option} is {text!r}. It must be {', '.join(SHARES_LEVELS)} or a number of shares from 1 on."
        )
    return LEVEL_OF_SHARES[kind].get(int(text), int(text))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the reservations, limits and shares of a VM. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_allocation import (
    CPU,
    DEFAULTS,
    MEMORY,
    UNLIMITED,
)


def decode_allocation(row: Mapping[str, Any]) -> dict[str, int | str]:
    """Return reservations, limits and shares of the VM; memory in bytes, which vCenter has in MB."""
    found = dict(DEFAULTS)
    for kind, unit in ((CPU, 1), (MEMORY, MIB)):
        info = row.get(f"config.{kind}Allocation")
        if info is not None:
            found[f"{kind}_reservation"] = int(info.reservation or 0) * unit
            found[f"{kind}_limit"] = UNLIMITED if info.limit is None or info.limit < 0 else int(info.limit) * unit
            custom = str(info.shares.level) == "custom"
            found[f"{kind}_shares"] = int(info.shares.shares) if custom else str(info.shares.level)
    return found

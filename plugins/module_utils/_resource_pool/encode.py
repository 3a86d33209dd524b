# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Allocations of a resource pool to the API's specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    UNLIMITED,
    Allocations,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def encode_pool(allocations: Allocations, change_version: str | None = None) -> Any:
    """Return a ResourceConfigSpec with all of the allocations: those of a new pool must be whole.

    With ``change_version`` it is for the pool just as it was when that was read.
    """
    return vim.ResourceConfigSpec(
        changeVersion=change_version,
        cpuAllocation=_allocation(allocations[CPU]),
        memoryAllocation=_allocation(allocations[MEMORY]),
    )


def _allocation(allocation: Mapping[str, Any]) -> Any:
    limit, shares = allocation["limit"], allocation["shares"]
    custom = isinstance(shares, int)
    return vim.ResourceAllocationInfo(
        reservation=allocation["reservation"],
        limit=-1 if limit == UNLIMITED else limit,
        expandableReservation=allocation["expandable_reservation"],
        # The number is required by the API's schema, and ignored where there is a level.
        shares=vim.SharesInfo(level="custom" if custom else shares, shares=shares if custom else 0),
    )

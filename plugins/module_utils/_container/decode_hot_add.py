# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode what can be added to a VM while it runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_hot_add import HotAdd

HOT_ADD_PROPERTIES = (
    "config.cpuHotAddEnabled",
    "config.hotPlugMemoryIncrementSize",
    "config.hotPlugMemoryLimit",
    "config.memoryHotAddEnabled",
)


def decode_hot_add(row: Mapping[str, Any]) -> HotAdd:
    return HotAdd(
        cpus=bool(row.get("config.cpuHotAddEnabled")),
        memory=bool(row.get("config.memoryHotAddEnabled")),
        limit_mb=int(row.get("config.hotPlugMemoryLimit") or 0),
        step_mb=int(row.get("config.hotPlugMemoryIncrementSize") or 0),
    )

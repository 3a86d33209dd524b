# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events of a VM that vCenter keeps."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim


def latest_events(content: Any, vm: Any, most: int) -> list[Any]:
    """Return the latest events of a VM, oldest first, in one request."""
    by_entity = vim.event.EventFilterSpec.ByEntity(entity=vm, recursion="self")
    found = content.eventManager.QueryEvents(vim.event.EventFilterSpec(entity=by_entity, maxCount=most))
    return sorted(found or (), key=lambda event: (event.createdTime, event.key))[-most:]

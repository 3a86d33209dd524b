# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report the VMs that left a host, for results and errors. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import ObservedHost


def evacuated_report(observed: ObservedHost) -> list[dict[str, Any]]:
    """Return each VM and template that left or had to leave, with the host that it is on now."""
    templates = {one.moid for one in observed.templates}
    return [
        {
            "name": vm.name,
            "path": vm.path,
            "moid": vm.moid,
            "mode": "template" if vm.moid in templates else "live" if vm.is_on else "cold",
            "from": observed.name,
            "to": observed.now.get(vm.moid),
        }
        for vm in observed.evacuated
        if vm.moid in observed.now
    ]

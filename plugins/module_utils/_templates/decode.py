# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode where templates are registered. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_cluster import decode_host
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import DiskFacts, VmFacts
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

# What the inventory must have of hosts.
HOST_STATE = ("runtime.connectionState", "runtime.inMaintenanceMode")


def host_can_clone(inventory: Inventory, host: str | None) -> bool:
    """Return whether vCenter clones what is registered on the host. Without the privilege to read it, assume so."""
    entry = inventory.entry(host or "")
    if entry is None or HOST_STATE[0] not in entry.properties:
        return True
    return decode_host(entry, entry.properties).usable


def registered_template(
    entry: Entry,
    host: str,
    *,
    config_file: str,
    datastores: Sequence[str],
    hardware: str | None = None,
    is_template: bool = True,
) -> RegisteredTemplate:
    """Describe a template by what a host must have for it."""
    facts = VmFacts(
        moid=entry.moid,
        name=entry.name,
        path=entry.path,
        host=host,
        cluster=None,
        pool=None,
        disks=tuple(DiskFacts(key, "disk", moid) for key, moid in enumerate(datastores)),
        hardware=hardware,
    )
    return RegisteredTemplate(facts, entry.parent or "", config_file, is_template)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The containers of a vCenter as Ansible's inventory needs them: as many requests as there are pages, and a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_info import observe_container_info
from ansible_collections.gantry.vsphere.plugins.module_utils._container.resolve import find_datacenter
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.model import InventoryFilters

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_inventory(session: Session, desired: InventoryFilters) -> Sequence[Machine]:
    """Return the selected containers by their places, in the order of their paths.

    A cluster or host that does not exist is an error, as a folder that does not exist.
    """
    machines = observe_container_info(session, desired.containers)
    inventory = session.inventory()
    datacenter = find_datacenter(inventory, desired.containers.datacenter)
    if desired.clusters:
        clusters = {inventory.cluster(name, datacenter=datacenter).moid for name in desired.clusters}
        machines = [one for one in machines if one.cluster is not None and one.cluster.moid in clusters]
    if desired.hosts:
        hosts = {inventory.host(name, datacenter=datacenter).moid for name in desired.hosts}
        machines = [one for one in machines if one.host is not None and one.host.moid in hosts]
    return machines

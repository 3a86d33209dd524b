# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Count migrations against vCenter's limits, so that no more are submitted than it starts immediately. Pure.

vCenter counts costs: a host allows 8, of which a vMotion takes 1 and one with storage 4, or 16 since 6.0, at twice the
costs; a datastore allows 128, of which a vMotion takes 1 and one with storage 16 ("Limits on Simultaneous Migrations",
vCenter Server and Host Management). Cold migrations are provisioning operations, of which a host allows 8 at a time.
"""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import ResourceClaim
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.changes import MoveVm

_HOST_LIMIT = 8
_DATASTORE_LIMIT = 128


def claims_of(change: MoveVm, *, abroad: bool = False) -> tuple[ResourceClaim, ...]:
    """Return the costs of a move for its source and destination hosts, and all datastores that it reads or writes."""
    vm, target = change.vm, change.target
    after = target.applied_to(vm)
    storage = target.moves_storage or abroad
    host_cost = 4 if vm.is_on and storage else 1
    store_cost = 16 if storage else 1
    hosts = dict.fromkeys(f"host {moid}" for moid in (vm.host, after.host) if moid is not None)
    # Two vCenters may have the same MoIDs; a collision only makes a move wait a little longer.
    stores = dict.fromkeys(f"datastore {moid}" for moid in (*vm.datastores, *after.datastores))
    return (
        *(ResourceClaim(host, host_cost, _HOST_LIMIT) for host in hosts),
        *(ResourceClaim(store, store_cost, _DATASTORE_LIMIT) for store in stores),
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the recommendations of DRS for a cluster: one read of the inventory, one of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.decode import decode_recommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    Choice,
    ObservedRecommendations,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.target import choose
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.observe import find_place
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import select_vms

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_recommendations(session: Session, desired: Choice) -> ObservedRecommendations:
    """Return the recommendations that the task selects, and the keys that match none."""
    place = find_place(session, desired.cluster, desired.datacenter)
    rows = session.read([place.cluster.ref], ["recommendation"])
    found = [decode_recommendation(one) for row in rows for one in row.get("recommendation") or ()]
    vms = None
    if desired.vms is not None:
        selected = select_vms(place.inventory, desired.vms, datacenter=place.datacenter, option="vms")
        vms = frozenset(vm.moid for vm in selected)
    known = {one.key for one in found}
    missing = tuple(key for key in desired.keys or () if key not in known)
    return ObservedRecommendations(place, choose(desired, vms, found), missing)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find what prevents the evacuation of a host. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.model import MaintenanceRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import HostChooser
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    ClusterFacts,
    HostFacts,
    PlacementView,
    VmFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.target import MoveTarget


def evacuation_blockers(
    desired: MaintenanceRequest, host: HostFacts, cluster: ClusterFacts, vms: tuple[VmFacts, ...], view: PlacementView
) -> Iterator[Blocker]:
    """Find what prevents DRS from evacuating the host, and the VMs from moving at all."""
    running = [vm for vm in vms if vm.is_on]
    if desired.by_drs and vms:
        yield from _drs_blockers(host, cluster, running or list(vms))
    chooser = HostChooser("any", view, avoid=[host.moid])
    for vm in vms:
        if vm.in_flight is None:
            yield from chooser.possible(vm, MoveTarget(choose_in=cluster.moid))[1]


def _drs_blockers(host: HostFacts, cluster: ClusterFacts, vms: list[VmFacts]) -> Iterator[Blocker]:
    remedy = "Set evacuation to explicit, or "
    if not cluster.drs:
        yield Blocker(
            None,
            "drs_disabled",
            f"DRS of cluster {cluster.name} is off, so nothing moves the {len(vms)} VMs away.",
            f"{remedy}turn DRS on.",
            host.name,
        )
        return
    for vm in vms:
        level = cluster.automation_of(vm.moid)
        if level != "fullyAutomated":
            yield Blocker(
                vm.path,
                "drs_disabled",
                f"DRS of cluster {cluster.name} does not move it by itself (its automation is {level}).",
                f"{remedy}set its automation to fullyAutomated.",
                host.name,
            )

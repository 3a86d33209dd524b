# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe moves to another vCenter: a session with it, and the service locator for the source vCenter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import VIEW_PROPERTIES, read_scene
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import (
    VmSelector,
    read_selectable,
    select_vms,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import (
    certificate_of,
    connect,
    pem_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.handles import DestinationVcenter
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.model import ObservedMoves, VmotionRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.observe_moves import (
    find_move_blockers,
    targets_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.resolve import resolve_place

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_cross_vcenter(session: Session, other: Session, desired: VmotionRequest) -> ObservedMoves:
    """Observe the VMs in both vCenters. ``other`` is the session with the destination."""
    proof = _proof(session, other)
    inventory = read_selectable(session, properties=VIEW_PROPERTIES, refresh=True)
    there = read_selectable(other, properties=VIEW_PROPERTIES, refresh=True)
    ours, content = session.content.about.instanceUuid, other.content
    if content.about.instanceUuid == ours:
        raise GantryError(
            f"destination_vcenter {other.settings.address} is the vCenter that the VMs are in. Leave it out, and give "
            "the destination in the other options."
        )
    staying, arrived = _select(inventory, there, desired)
    where = resolve_place(there, desired.place, desired.disks, source=inventory, clusters=[])
    found = read_scene(session, inventory, staying)
    arrivals = read_scene(other, there, arrived, clusters=[where.cluster] if where.cluster else [])
    origin, view = found.view, arrivals.view
    targets, blockers = targets_of(found.vms, where, view, origin)
    service = vim.ServiceLocator(
        instanceUuid=content.about.instanceUuid,
        url=f"https://{other.settings.address}",
        credential=vim.ServiceLocatorNamePassword(username=other.settings.username, password=other.settings.password),
        **proof,
    )
    observed = ObservedMoves(
        found.vms,
        origin,
        view,
        targets,
        tuple(blockers),
        arrived=arrivals.vms,
        away=other.settings.address,
    )
    destination = DestinationVcenter(other, there, service, other.settings.address)
    return find_move_blockers(session, desired, observed, found, inventory, destination)


def _proof(session: Session, other: Session) -> dict[str, str]:
    """Return what the source vCenter verifies the other one by: the certificate that was verified here.

    Since API 9.0 it is the certificate itself, which supersedes the thumbprint.
    """
    connection = connect(other.settings, other.stub.tls())
    try:
        if session.speaks("9.0.0.0"):
            return {"sslCertificate": pem_of(connection)}
        return {"sslThumbprint": certificate_of(connection).sha1}
    finally:
        connection.close()


def _select(inventory: Inventory, there: Inventory, desired: VmotionRequest) -> tuple[list[Entry], list[Entry]]:
    """Select the VMs that are still in the source vCenter, and those that an earlier run has moved."""
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    staying: dict[str, Entry] = {}
    arrived: dict[str, Entry] = {}
    for selector in desired.selectors:
        moved = [] if selector.kind == "moid" else _there(there, selector)
        try:
            origin = select_vms(inventory, [selector], datacenter=datacenter, option="vms", may_be_none=bool(moved))
        except GantryError as error:
            if not moved or error.details:
                raise
            origin = []
        staying.update({entry.moid: entry for entry in origin})
        arrived.update({entry.moid: entry for entry in moved if selector.means_many or not origin})
    return list(staying.values()), list(arrived.values())


def _there(there: Inventory, selector: VmSelector) -> list[Entry]:
    try:
        return select_vms(there, [selector], datacenter=None, option="vms", may_be_none=True)
    except GantryError:
        # Missing or ambiguous: it is not reported as moved.
        return []

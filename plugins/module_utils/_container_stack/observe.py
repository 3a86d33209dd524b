# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe what the containers of a stack need or leave: images that are not there or are removed, and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedNeeds
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest, matching
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import (
    find_place,
    observe_images,
    read_inventory,
    read_templates,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.observe import observe_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.observe import observe_volumes

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_needs(session: Session, desired: DesiredStack) -> ObservedNeeds:
    """Return the images and volumes as they are."""
    return ObservedNeeds(
        images=tuple(
            (request, observe_images(session, request))
            for request in (desired.images if desired.removes else _sought(session, desired.images))
        ),
        volumes=None if desired.volumes is None else observe_volumes(session, desired.volumes),
        prune=None if desired.prune is None else observe_prune(session, desired.prune),
    )


def _sought(session: Session, requests: tuple[ImageRequest, ...]) -> list[ImageRequest]:
    """Return the images that no template has, and those that are looked up in the registry at each run."""
    if not requests:
        return []
    inventory = read_inventory(session)
    datacenter = inventory.datacenter(requests[0].datacenter)
    templates = read_templates(session, inventory, datacenter)
    sought = []
    for request in requests:
        place = find_place(inventory, datacenter, request)
        datastore = place.datastore if request.datastore is not None else None
        if request.pull == "always" or not matching(templates, request.reference, datastore):
            sought.append(request)
    return sought

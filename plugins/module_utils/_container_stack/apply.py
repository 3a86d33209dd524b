# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a stack: of its containers, and of the images and volumes that they need or leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report, Stopwatch
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import RehomeTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ImageOfStack,
    StackChange,
    VolumeOfStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedNeeds
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply import apply_images
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest, ObservedImages
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import find_place, read_inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.apply import apply_volumes

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_needs(
    session: Session, desired: DesiredStack, observed: ObservedNeeds, plan: Plan[StackChange], report: Report
) -> ObservedNeeds:
    """Make the changes and return the images and volumes as they are then."""
    images = list(observed.images)
    for index, (request, found) in enumerate(observed.images):
        own = [one.change for one in plan.changes if isinstance(one, ImageOfStack) and one.index == index]
        if own:
            current = _with_folder(session, request, found)
            images[index] = (request, apply_images(session, request, current, Plan(tuple(own)), report))
    volumes = observed.volumes
    changes = [one.change for one in plan.changes if isinstance(one, VolumeOfStack)]
    if changes and desired.volumes is not None and volumes is not None:
        volumes = apply_volumes(session, desired.volumes, volumes, Plan(tuple(changes)), report)
    return replace(observed, images=tuple(images), volumes=volumes)


def container_seconds(watch: Stopwatch, changes: Sequence[SetChange]) -> dict[str, float]:
    """Return how many seconds the changes of each container took."""
    # Templates and tables of names are also changed.
    names = {one.change.container for one in changes if not isinstance(one.change, (RehomeTemplate, UpdateNames))}
    return {name: seconds for name, seconds in watch.seconds.items() if name in names}


def _with_folder(session: Session, request: ImageRequest, found: ObservedImages) -> ObservedImages:
    """Return the images with the folder of new templates, which the import of another image may have created."""
    inventory = read_inventory(session)
    place = find_place(inventory, inventory.datacenter(request.datacenter), request)
    return replace(found, place=replace(found.place, folder=place.folder))

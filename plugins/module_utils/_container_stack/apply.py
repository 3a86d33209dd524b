# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of the images and volumes of a stack, which its containers need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ImageOfStack,
    StackChange,
    VolumeOfStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedNeeds
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply import apply_images
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
            images[index] = (request, apply_images(session, request, found, Plan(tuple(own)), report))
    volumes = observed.volumes
    changes = [one.change for one in plan.changes if isinstance(one, VolumeOfStack)]
    if changes and desired.volumes is not None and volumes is not None:
        volumes = apply_volumes(session, desired.volumes, volumes, Plan(tuple(changes)), report)
    return ObservedNeeds(tuple(images), volumes)

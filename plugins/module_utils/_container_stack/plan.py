# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the images, the volumes, the containers and the rules of a stack. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError, raise_all
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import NEW
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, PlannedImage
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan import plan_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ContainerOfStack,
    ImageOfStack,
    StackChange,
    VolumeOfStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    ObservedNeeds,
    ObservedStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_prune import plan_stack_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_removal import plan_removal
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_rules import plan_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import CreateFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import find_template
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import plan_image
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import CreateVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.plan import plan_volumes


def with_needs(desired: DesiredStack, needs: ObservedNeeds) -> DesiredSet:
    """Return the containers with the images and volumes that the plan adds, which count as if they were there."""
    if desired.removes:
        return desired.containers
    problems: list[GantryError] = []
    images = list(_planned_images(needs, problems))
    volumes: list[NamedVolume] = []
    try:
        volumes += _planned_volumes(desired, needs)
    except GantryError as error:
        problems.append(error)
    raise_all(problems)
    return replace(desired.containers, planned_images=tuple(images), planned_volumes=tuple(volumes))


def _planned_images(needs: ObservedNeeds, problems: list[GantryError]) -> Iterator[PlannedImage]:
    for request, found in needs.images:
        try:
            plan = plan_image(request, found)
        except GantryError as error:
            problems.append(error)
            continue
        template = find_template(request, plan.project(found)) if plan.changed else None
        if template is not None:
            yield PlannedImage(
                reference=request.recorded,
                name=template.name,
                digest=template.digest,
                disk=template.disk,
                datastore=template.datastore,
                config=template.config,
            )


def _planned_volumes(desired: DesiredStack, needs: ObservedNeeds) -> Iterator[NamedVolume]:
    if desired.volumes is None or needs.volumes is None:
        return
    for change in plan_volumes(desired.volumes, needs.volumes).changes:
        if isinstance(change, CreateVolume):
            yield NamedVolume(
                name=change.name,
                id=f"{NEW} {change.name}",
                datastore=change.datastore,
                users={},
                origins=change.origins,
                filesystem=change.filesystem,
            )


def plan_stack(desired: DesiredStack, observed: ObservedStack) -> Plan[StackChange]:
    """Return the plan: what containers need comes before them, and is removed after them."""
    if desired.removes:
        return plan_removal(desired, observed)
    changes: list[StackChange] = list(_image_changes(observed.needs))
    if desired.volumes is not None and observed.needs.volumes is not None:
        changes += [VolumeOfStack(one) for one in plan_volumes(desired.volumes, observed.needs.volumes).changes]
    changes += [ContainerOfStack(one) for one in plan_set(desired.containers, observed.containers).changes]
    changes += plan_stack_rules(observed.rules)
    return Plan((*changes, *plan_stack_prune(desired, observed, changes)))


def _image_changes(needs: ObservedNeeds) -> Iterator[ImageOfStack]:
    """Yield the changes of all images. The folder of the images is created by the first one that is imported."""
    folders = set()
    for index, (request, found) in enumerate(needs.images):
        for change in plan_image(request, found).changes:
            if isinstance(change, CreateFolder):
                if change in folders:
                    continue
                folders.add(change)
            yield ImageOfStack(index, change)

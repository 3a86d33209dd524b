# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the removal of a project: its containers first, then the volumes and images that the task removes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.plan import plan_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.changes import (
    ContainerOfStack,
    ImageOfStack,
    StackChange,
    VolumeOfStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import (
    DesiredStack,
    KeptImage,
    ObservedStack,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.plan_rules import plan_stack_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImageChange
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageRequest,
    ObservedImages,
    matching,
    other_references,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import plan_image
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import without_removed
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import ObservedVolumes, VolumePlace
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.plan import plan_volumes


def plan_removal(desired: DesiredStack, observed: ObservedStack) -> Plan[StackChange]:
    """Return the plan. An image that other VMs use is kept; a volume that another VM uses fails the task."""
    changes: list[StackChange] = [
        ContainerOfStack(one) for one in plan_set(desired.containers, observed.containers).changes
    ]
    changes += plan_stack_rules(observed.rules)
    machines = _machines(observed.containers)
    volumes = observed.needs.volumes
    if desired.volumes is not None and volumes is not None:
        planned = plan_volumes(desired.volumes, _released(volumes, machines))
        changes += [VolumeOfStack(one) for one in planned.changes]
    return Plan((*changes, *_image_changes(observed, machines)))


def kept_images(desired: DesiredStack, observed: ObservedStack) -> list[KeptImage]:
    """Return the images that would be removed if other VMs did not use them."""
    if not desired.removes:
        return []
    return [kept for _index, kept, _plan in _image_plans(observed, _machines(observed.containers)) if kept.users]


def _image_changes(observed: ObservedStack, machines: Sequence[Machine]) -> Iterator[ImageOfStack]:
    for index, _kept, plan in _image_plans(observed, machines):
        for change in plan.changes:
            yield ImageOfStack(index, change)


def _image_plans(
    observed: ObservedStack, machines: Sequence[Machine]
) -> Iterator[tuple[int, KeptImage, Plan[ImageChange]]]:
    """Yield the plan of each image, empty if other VMs use it. Several references can be those of one template."""
    removed = frozenset(one.path for one in machines)
    before: list[Plan[ImageChange]] = []
    for index, (request, found) in enumerate(observed.needs.images):
        current = found
        for plan in before:
            current = plan.project(current)
        kept = KeptImage(request.recorded, _other_users(request, current, removed))
        if not kept.users:
            before.append(plan_image(replace(request, assume_removed=removed), current))
        yield index, kept, Plan() if kept.users else before[-1]


def _other_users(request: ImageRequest, found: ObservedImages, removed: frozenset[str]) -> tuple[str, ...]:
    """Return the VMs besides those of the project because of which the image cannot be removed."""
    users: set[str] = set()
    for template in matching(found.templates, request.reference, found.wanted_datastore):
        if not other_references(request, template):
            users |= set(without_removed(found.users.get(template.moid, ()), removed))
    return tuple(sorted(users))


def _machines(observed: ObservedSet) -> list[Machine]:
    return [machine for one in observed.unlisted for machine in one.machines]


def _released(volumes: ObservedVolumes, machines: Sequence[Machine]) -> ObservedVolumes:
    """Return the volumes as they are without these VMs."""
    return replace(volumes, places=tuple(_without_users(place, machines) for place in volumes.places))


def _without_users(place: VolumePlace, machines: Sequence[Machine]) -> VolumePlace:
    volume = place.volume
    if volume is None:
        return place
    removed = {one.name for one in machines if any(attached.id == volume.id for attached in one.volumes)}
    return replace(place, volume=replace(volume, users=tuple(user for user in volume.users if user not in removed)))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a stack: those of its images, its volumes and its containers, in this order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import ChangeOfPart
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImageChange
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.changes import VolumeChange


@dataclass(frozen=True)
class ImageOfStack(ChangeOfPart):
    """A change of one of the images that are looked at, by its index."""

    index: int
    change: ImageChange

    def project(self, observed: ObservedStack) -> ObservedStack:
        images = list(observed.needs.images)
        request, found = images[self.index]
        images[self.index] = (request, self.change.project(found))
        return replace(observed, needs=replace(observed.needs, images=tuple(images)))


@dataclass(frozen=True)
class VolumeOfStack(ChangeOfPart):
    """A change of a volume."""

    change: VolumeChange

    def project(self, observed: ObservedStack) -> ObservedStack:
        if observed.needs.volumes is None:
            raise ValueError("the plan changes volumes of a stack that has none")
        return replace(observed, needs=replace(observed.needs, volumes=self.change.project(observed.needs.volumes)))


@dataclass(frozen=True)
class ContainerOfStack(ChangeOfPart):
    """A change of a container."""

    change: SetChange

    def project(self, observed: ObservedStack) -> ObservedStack:
        return replace(observed, containers=self.change.project(observed.containers))


StackChange: TypeAlias = ImageOfStack | VolumeOfStack | ContainerOfStack

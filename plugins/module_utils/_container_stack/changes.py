# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a stack: of its images, volumes, containers and rules, and of unused images, in this order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.changes import RulesChange
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import ChangeOfPart, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImageChange
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.changes import PruneImage
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
class PruneOfStack(ChangeOfPart):
    """The removal of an image that nothing uses any more."""

    change: PruneImage

    def project(self, observed: ObservedStack) -> ObservedStack:
        if observed.needs.prune is None:
            raise ValueError("the plan removes images of a stack whose images were not read")
        return replace(observed, needs=replace(observed.needs, prune=self.change.project(observed.needs.prune)))


@dataclass(frozen=True)
class ContainerOfStack(ChangeOfPart):
    """A change of a container."""

    change: SetChange

    def project(self, observed: ObservedStack) -> ObservedStack:
        return replace(observed, containers=self.change.project(observed.containers))


@dataclass(frozen=True)
class RuleOfStack(ChangeOfPart):
    """A change of a rule or a group of one of the clusters, by its index."""

    index: int
    cluster: str
    change: RulesChange

    def describe(self) -> str:
        return f"cluster {self.cluster}: {self.change.describe()}"

    def before(self) -> Mapping[str, Any]:
        return nested("clusters", self.cluster, value=dict(self.change.before()))

    def after(self) -> Mapping[str, Any]:
        return nested("clusters", self.cluster, value=dict(self.change.after()))

    def project(self, observed: ObservedStack) -> ObservedStack:
        rules = list(observed.rules)
        rules[self.index] = rules[self.index].with_rules(self.change.project(rules[self.index].observed))
        return replace(observed, rules=tuple(rules))


StackChange: TypeAlias = ImageOfStack | VolumeOfStack | ContainerOfStack | RuleOfStack | PruneOfStack

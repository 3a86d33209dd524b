# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack: what a Compose project asks for, and what is there. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.placement import ServicePlacement
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ContainerSelection
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model_rules import StackRules
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest, ObservedImages
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import ObservedPrune, PruneRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.model import DesiredVolumes, ObservedVolumes


@dataclass(frozen=True)
class DesiredStack:
    """The images and volumes that the containers need, and the containers.

    ``services`` has the names of the entries of the containers by those of the services. ``images`` are in the order of
    the names. ``volumes`` is None if the project has none of its own. If the project is removed, both are those that
    are removed with it. ``placements`` are those of the services. ``prune`` selects the images of their repositories,
    if those that nothing uses are removed.
    """

    project: str
    containers: DesiredSet
    services: Mapping[str, str] = field(default_factory=dict)
    images: tuple[ImageRequest, ...] = ()
    volumes: DesiredVolumes | None = None
    placements: tuple[ServicePlacement, ...] = ()
    prune: PruneRequest | None = None
    # What is not supported, where the task only asks for warnings, and what the loader has warned of.
    warnings: tuple[str, ...] = ()

    @property
    def removes(self) -> bool:
        """Return whether the whole project is removed."""
        return not self.containers.present


@dataclass(frozen=True)
class StackQuery:
    """The stacks to return, all if there are no names, and where their containers are looked for."""

    names: tuple[str, ...] | None
    containers: ContainerSelection


@dataclass(frozen=True)
class ObservedNeeds:
    """What containers need. ``images`` are those that have to be looked at: the others are there.

    ``prune`` are all images of the folder, if some of them may be removed.
    """

    images: tuple[tuple[ImageRequest, ObservedImages], ...] = ()
    volumes: ObservedVolumes | None = None
    prune: ObservedPrune | None = None


@dataclass(frozen=True)
class KeptImage:
    """An image that is not removed with the project, because other VMs use it."""

    reference: str
    users: tuple[str, ...]


@dataclass(frozen=True)
class ObservedStack:
    """``containers`` are observed as if the images and volumes that the task adds were there.

    ``rules`` are those of each cluster that has or gets containers. ``durations`` is how many seconds the changes of
    containers took, by their names, if the task has made any.
    """

    needs: ObservedNeeds
    containers: ObservedSet
    rules: tuple[StackRules, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project: the desired containers with their replicas, and the observed ones. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_volumes import NamedVolume

# The labels by which the containers of a project are found again.
PROJECT_LABEL = "gantry.vsphere.project"
ENTRY_LABEL = "gantry.vsphere.container"


@dataclass(frozen=True)
class PlannedImage:
    """An image that is imported before the containers are created, as container_image returns it in check mode."""

    reference: str
    name: str
    digest: str
    disk: str
    datastore: str
    config: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class UpdatePolicy:
    """How the running containers of an entry are changed that have to be stopped for it.

    ``parallelism`` are changed at the same time, 0 stands for all. After each group, ``delay`` seconds pass, and each
    container must go on running for ``monitor`` seconds. ``continues``: after one that has failed, too.
    """

    parallelism: int = 1
    delay: float = 0
    monitor: float = 0
    continues: bool = False


@dataclass(frozen=True)
class UpdateGroup:
    """The place of a container in the order of updates.

    ``continues``: whether its group is changed also after a failure in the group before. ``seconds``: how long each
    container must go on running before the next group is changed.
    """

    number: int
    continues: bool
    seconds: float


@dataclass(frozen=True)
class DesiredSet:
    """The containers of a project. ``entries`` has the names of the containers of each entry of the list.

    ``dependencies`` has the entries whose containers are changed before those of an entry. ``untouched`` are other
    entries of the project, whose containers the task neither lists nor removes.
    """

    project: str
    containers: tuple[DesiredContainer, ...]
    entries: Mapping[str, tuple[str, ...]]
    # Entries whose number of replicas was given separately: their surplus replicas are removed.
    scaled: frozenset[str] = frozenset()
    present: bool = True
    create_only: bool = False
    remove_unlisted: bool = False
    datacenter: str | None = None
    planned_images: tuple[PlannedImage, ...] = ()
    planned_volumes: tuple[NamedVolume, ...] = ()
    dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # By entries; those that are not in it have the default.
    updates: Mapping[str, UpdatePolicy] = field(default_factory=dict)
    untouched: frozenset[str] = frozenset()

    def depth(self, entry: str) -> int:
        """Return how many entries come one after the other before this one."""
        return self._depths.get(entry, 0)

    def update_policy(self, entry: str) -> UpdatePolicy:
        return self.updates.get(entry, UpdatePolicy())

    def entry_of(self, name: str) -> str:
        return self._entries_by_name[name]

    @cached_property
    def _depths(self) -> dict[str, int]:
        depths: dict[str, int] = {}
        for entry in TopologicalSorter(self.dependencies).static_order():
            depths[entry] = max((depths[other] + 1 for other in self.dependencies.get(entry, ())), default=0)
        return depths

    @cached_property
    def _entries_by_name(self) -> dict[str, str]:
        return {name: entry for entry, names in self.entries.items() for name in names}


@dataclass(frozen=True)
class ObservedSet:
    """``containers`` are in the order of the desired ones; ``unlisted`` are the project's other containers."""

    containers: tuple[ObservedContainer, ...]
    unlisted: tuple[ObservedContainer, ...] = ()

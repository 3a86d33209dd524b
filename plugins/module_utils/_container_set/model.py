# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project: the desired containers with their replicas, and the observed ones. Pure data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    ObservedContainer,
    Replacement,
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
class RolloutPolicy:
    """In which groups containers are changed, and when the next group follows.

    ``parallelism`` are changed at the same time, 0 stands for all. After each group, ``delay`` seconds pass, and each
    container must go on running for ``monitor`` seconds. ``continues``: after any number of failures, otherwise after
    at most ``max_failure_ratio`` of all.
    """

    parallelism: int = 1
    delay: float = 0
    monitor: float = 0
    continues: bool = False
    max_failure_ratio: float = 0

    def tolerated(self, count: int) -> int | None:
        """Return how many of so many containers may fail before the others stay as they are; None for all."""
        return None if self.continues else math.floor(self.max_failure_ratio * count)


@dataclass(frozen=True)
class UpdatePolicy:
    """How the running containers of an entry are changed that have to be stopped for it.

    ``replacement``: how each gives its place to a new VM. ``rollback``: how they get back what they had, if more fail
    than may; None for not at all.
    """

    rollout: RolloutPolicy = field(default_factory=RolloutPolicy)
    replacement: Replacement = field(default_factory=Replacement)
    rollback: RolloutPolicy | None = None


@dataclass(frozen=True)
class UpdateGroup:
    """The place of a container in the order of updates.

    ``earlier``: the first and the last group of which at most ``tolerated`` containers may have failed before this one
    is changed, None for any number. ``seconds``: how long each container must go on running before the next group is
    changed.
    """

    number: int
    tolerated: int | None
    earlier: tuple[int, int]
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

    def removes(self, entry: str | None) -> bool:
        """Return whether the task removes an unlisted container, by its entry."""
        return not self.present or self.remove_unlisted or entry in self.scaled

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

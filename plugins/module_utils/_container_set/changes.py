# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a project: those of its containers, each with what it has to wait for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, RehomeTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import ObservedSet, UpdateGroup
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import ChangeOfPart


@dataclass(frozen=True)
class SetChange(ChangeOfPart):
    """A change of one container, or of a template that containers are cloned from.

    ``index`` is the place of the container among the listed or the unlisted ones.

    A change with a ``group`` interrupts a container that runs, so such containers are changed group by group.
    """

    change: ContainerChange
    index: int
    listed: bool = True
    group: UpdateGroup | None = None

    @property
    def subject(self) -> str:
        if isinstance(self.change, RehomeTemplate):
            return f"template {self.change.container}"
        if isinstance(self.change, UpdateNames):
            return f"names of {self.change.container}"
        return listed_subject(self.index) if self.listed else unlisted_subject(self.index)

    def project(self, observed: ObservedSet) -> ObservedSet:
        if isinstance(self.change, UpdateNames):
            return observed
        part = list(observed.containers if self.listed else observed.unlisted)
        part[self.index] = self.change.project(part[self.index])
        if self.listed:
            return replace(observed, containers=tuple(part))
        return replace(observed, unlisted=tuple(part))


def listed_subject(index: int) -> str:
    """Return the subject of the changes of a listed container."""
    return f"listed {index}"


def unlisted_subject(index: int) -> str:
    """Return the subject of the changes of a container that is not listed."""
    return f"unlisted {index}"


def changes_by_subject(changes: Iterable[SetChange]) -> dict[str, list[ContainerChange]]:
    """Return the changes of each container or template, in their order."""
    found: dict[str, list[ContainerChange]] = {}
    for one in changes:
        found.setdefault(one.subject, []).append(one.change)
    return found

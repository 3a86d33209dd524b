# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide after an update which containers get back what they had, and which old VMs are not needed any more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import DesiredContainer, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.changes import SetChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import DesiredSet, ObservedSet
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import (
    DONE,
    FAILED,
    NOT_STARTED,
    SubjectResult,
)


@dataclass(frozen=True)
class Slot:
    """A container that an update has changed: as the task wants it, and as it was before."""

    wanted: DesiredContainer
    before: ObservedContainer


class Update:
    """What became of the update of each entry of a project."""

    def __init__(
        self,
        desired: DesiredSet,
        observed: ObservedSet,
        changes: Sequence[SetChange],
        results: Mapping[str, SubjectResult],
    ) -> None:
        self._desired = desired
        self._observed = observed
        # The containers of the task that failed or were not started, and those that were to be stopped for it.
        self._undone: set[int] = set()
        self._updated: dict[str, dict[int, SubjectResult]] = {}
        for change in changes:
            result = results.get(change.subject)
            if result is None or not change.listed:
                continue
            if result.status != DONE:
                self._undone.add(change.index)
            if change.group is not None:
                self._updated.setdefault(self._entry(change.index), {})[change.index] = result

    def _entry(self, index: int) -> str:
        return self._desired.entry_of(self._desired.containers[index].name)

    @property
    def failed(self) -> list[str]:
        """Return the entries of which more containers have failed in their update than may."""
        return [entry for entry in self._updated if self._has_failed(entry)]

    def _has_failed(self, entry: str) -> bool:
        results = self._updated.get(entry, {}).values()
        tolerated = self._desired.update_policy(entry).rollout.tolerated(len(results))
        return tolerated is not None and sum(one.status == FAILED for one in results) > tolerated

    def slots(self, entry: str) -> list[Slot]:
        """Return the containers of an entry that this update has changed, or one before it that is not over."""
        changed = {index for index, one in self._updated[entry].items() if one.status != NOT_STARTED}
        pairs = zip(self._desired.containers, self._observed.containers, strict=True)
        return [
            Slot(wanted, before)
            for index, (wanted, before) in enumerate(pairs)
            if self._entry(index) == entry and (index in changed or before.predecessors)
        ]

    def confirms(self, change: SetChange) -> bool:
        """Return whether the VM that a container has replaced is not needed any more."""
        return not change.listed or not (change.index in self._undone or self._has_failed(self._entry(change.index)))

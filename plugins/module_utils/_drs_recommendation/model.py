# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recommendations of DRS, and a task's selection of them, as data."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import ClusterPlace, Surroundings
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import VmSelector

LIST = "list"
APPLY = "apply"
CANCEL = "cancel"
ACTIONS = (LIST, APPLY, CANCEL)


@dataclass(frozen=True)
class Move:
    """A migration, or without a source the placement of a VM at power on; by MoIDs."""

    vm: str
    source: str | None
    destination: str


@dataclass(frozen=True)
class Recommendation:
    """One recommendation. ``others`` are the API's types of its actions that are not migrations."""

    key: str
    reason: str
    text: str
    rating: int
    moves: tuple[Move, ...] = ()
    others: tuple[str, ...] = ()
    prerequisites: tuple[str, ...] = ()

    @property
    def is_placement(self) -> bool:
        """Return whether it only places VMs at power on."""
        return bool(self.moves) and not self.others and all(move.source is None for move in self.moves)

    def describe(self, around: Surroundings) -> str:
        parts = [_move(move, around) for move in self.moves] + list(self.others)
        return f"recommendation {self.key} ({self.reason}): {', '.join(parts) or self.text}"


@dataclass(frozen=True)
class Choice:
    """The selection of a task: the recommendations that match all given criteria."""

    cluster: str | None
    datacenter: str | None
    action: str
    keys: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    vms: tuple[VmSelector, ...] | None = None
    wait: bool = True
    wait_timeout: int = 600


@dataclass(frozen=True)
class ObservedRecommendations:
    """The recommendations that the task applies to, as they were found."""

    place: ClusterPlace
    chosen: tuple[Recommendation, ...]
    missing: tuple[str, ...]


def _move(move: Move, around: Surroundings) -> str:
    vm, host = around.listed([move.vm]), around.listed([move.destination])
    if move.source is None:
        return f"power on {vm} at {host}"
    return f"move {vm} from {around.listed([move.source])} to {host}"

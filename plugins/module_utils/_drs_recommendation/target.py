# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the recommendations that a task applies to. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    APPLY,
    Choice,
    Recommendation,
)


def choose(
    choice: Choice, vms: frozenset[str] | None, recommendations: Sequence[Recommendation]
) -> tuple[Recommendation, ...]:
    """Return the selected recommendations in vCenter's order, each after its prerequisites, which are applied too."""
    chosen = [
        one
        for one in recommendations
        if (choice.keys is None or one.key in choice.keys)
        and (choice.reasons is None or one.reason in choice.reasons)
        and (vms is None or any(move.vm in vms for move in one.moves))
    ]
    if choice.action != APPLY:
        return tuple(chosen)
    known = {one.key: one for one in recommendations}
    ordered: dict[str, Recommendation] = {}

    def take(one: Recommendation, above: frozenset[str]) -> None:
        for key in one.prerequisites:
            if key in known and key not in above:
                take(known[key], above | {key})
        ordered.setdefault(one.key, one)

    for one in chosen:
        take(one, frozenset({one.key}))
    return tuple(ordered.values())

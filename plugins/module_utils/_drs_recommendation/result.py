# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drs_recommendation returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    ObservedRecommendations,
    Recommendation,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Surroundings


def recommendations_result(observed: ObservedRecommendations) -> dict[str, Any]:
    """Return the task's own part of the result."""
    around, cluster = observed.place.around, observed.place.cluster.path
    return {
        "cluster": cluster,
        "recommendations": [_recommendation(one, around) for one in observed.chosen],
        "warnings": [
            f"There is no recommendation {key} in {cluster}, or it no longer exists. List the recommendations again."
            for key in observed.missing
        ],
    }


def _recommendation(one: Recommendation, around: Surroundings) -> dict[str, Any]:
    return {
        "key": one.key,
        "reason": one.reason,
        "reason_text": one.text,
        "rating": one.rating,
        "prerequisites": list(one.prerequisites),
        "moves": [
            {
                "vm": around.path(move.vm),
                "moid": move.vm,
                "from": None if move.source is None else around.path(move.source),
                "to": around.path(move.destination),
            }
            for move in one.moves
        ],
        "other_actions": list(one.others),
    }

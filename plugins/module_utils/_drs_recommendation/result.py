# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drs_recommendation returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import Recommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Surroundings


def recommendation_result(one: Recommendation, around: Surroundings) -> dict[str, Any]:
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

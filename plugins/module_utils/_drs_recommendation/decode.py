# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the API's recommendations into the model. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import Move, Recommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none, type_name


def decode_recommendation(info: Any) -> Recommendation:
    moves, others = [], []
    for action in info.action or ():
        migration = getattr(action, "drsMigration", None)
        if (
            type_name(action) == "ClusterMigrationAction"
            and migration is not None
            and migration.destination is not None
        ):
            moves.append(Move(moid_of(migration.vm), moid_or_none(migration.source), moid_of(migration.destination)))
        elif type_name(action) == "ClusterInitialPlacementAction" and action.target is not None:
            moves.append(Move(moid_of(action.target), None, moid_of(action.targetHost)))
        else:
            others.append(str(action.type))
    return Recommendation(
        key=str(info.key),
        reason=str(info.reason),
        text=str(info.reasonText or info.reason),
        rating=int(info.rating),
        moves=tuple(moves),
        others=tuple(others),
        prerequisites=tuple(info.prerequisite or ()),
    )

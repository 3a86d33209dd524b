# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan which recommendations are applied or canceled. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.changes import ChangeRecommendation
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    CANCEL,
    LIST,
    Choice,
    Recommendation,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Surroundings
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def plan_recommendations(
    choice: Choice, chosen: Sequence[Recommendation], around: Surroundings
) -> Plan[ChangeRecommendation]:
    """Return the changes for the selected recommendations; refuse to cancel those that vCenter cannot cancel."""
    if choice.action == LIST:
        return Plan()
    if choice.action == CANCEL:
        fixed = [one.describe(around) for one in chosen if not one.is_placement]
        if fixed:
            raise GantryError(
                "vCenter cancels only recommendations for the placement of VMs at power on, not "
                f"{'; '.join(fixed)}. Such a recommendation ends with its cause; to keep DRS from moving a VM, use "
                "drs_override. To cancel those that can be canceled, give reasons: [powerOnVm]."
            )
    return Plan(tuple(ChangeRecommendation(around, one, choice.action == CANCEL) for one in chosen))

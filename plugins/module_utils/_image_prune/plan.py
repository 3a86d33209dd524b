# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of container_image_prune: one for each image that nothing keeps. Pure."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.changes import PruneImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import (
    ObservedPrune,
    PruneRequest,
    kept_because,
)


def plan_prune(desired: PruneRequest, observed: ObservedPrune) -> Plan[PruneImage]:
    return Plan(
        tuple(
            PruneImage(candidate)
            for candidate in observed.candidates
            if kept_because(desired, candidate, observed.now) is None
        )
    )

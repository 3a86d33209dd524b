# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of container_image_prune. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.result import template_facts
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import (
    Candidate,
    ObservedPrune,
    PruneRequest,
    kept_because,
)


def prune_result(desired: PruneRequest, observed: ObservedPrune) -> dict[str, Any]:
    kept = [
        {
            **_facts(candidate),
            "reason": kept_because(desired, candidate, observed.now),
            "in_use_by": list(candidate.users),
        }
        for candidate in observed.candidates
    ]
    return {
        "removed": [_facts(candidate) for candidate in observed.removed],
        "kept": kept,
        "reclaimed_bytes": sum(candidate.template.size_bytes or 0 for candidate in observed.removed),
    }


def _facts(candidate: Candidate) -> dict[str, Any]:
    return template_facts(candidate.template)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of container_image_prune. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import Candidate, ObservedPrune


@dataclass(frozen=True)
class PruneImage(Removal):
    """Remove a template and its disk, or what an interrupted import left."""

    candidate: Candidate

    @property
    def name(self) -> str:
        return self.candidate.template.name

    def describe(self) -> str:
        template = self.candidate.template
        if self.candidate.abandoned:
            return f"remove interrupted import {template.name}"
        return f"destroy {template.name} ({template.digest})"

    def before(self) -> Mapping[str, Any]:
        template = self.candidate.template
        return nested(
            "images", template.name, value={"digest": template.digest, "references": list(template.references)}
        )

    def project(self, observed: ObservedPrune) -> ObservedPrune:
        moid = self.candidate.template.moid
        return replace(
            observed,
            candidates=tuple(one for one in observed.candidates if one.template.moid != moid),
            removed=(*observed.removed, self.candidate),
        )

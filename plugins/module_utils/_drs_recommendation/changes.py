# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that a plan for recommendations is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_recommendation.model import (
    APPLY,
    CANCEL,
    ObservedRecommendations,
    Recommendation,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import Surroundings
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested


@dataclass(frozen=True)
class ChangeRecommendation:
    """One recommendation is applied, or cancelled."""

    around: Surroundings
    recommendation: Recommendation
    cancel: bool

    def describe(self) -> str:
        return f"{CANCEL if self.cancel else APPLY} {self.recommendation.describe(self.around)}"

    def before(self) -> Mapping[str, Any]:
        if self.cancel:
            return nested("recommendations", self.recommendation.key, value=self.recommendation.text)
        return self._hosts({move.vm: move.source for move in self.recommendation.moves})

    def after(self) -> Mapping[str, Any]:
        if self.cancel:
            return {}
        return self._hosts({move.vm: move.destination for move in self.recommendation.moves})

    def project(self, observed: ObservedRecommendations) -> ObservedRecommendations:
        """Return the recommendations as they were found; the task reports these."""
        return observed

    def _hosts(self, hosts: Mapping[str, str | None]) -> Mapping[str, Any]:
        places = {
            self.around.path(vm): {"host": self.around.path(host)} for vm, host in hosts.items() if host is not None
        }
        return {"vms": places} if places else {}

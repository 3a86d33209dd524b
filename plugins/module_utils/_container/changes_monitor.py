# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change that watches a container for some time after it was replaced or restarted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer


@dataclass(frozen=True)
class Monitor(ContainerChange):
    """Watch for some seconds whether the container goes on running, before the next one is changed."""

    machine: Machine
    seconds: float

    def describe(self) -> str:
        return f"monitor {self.container} for {self.seconds:g} s"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return {}

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed

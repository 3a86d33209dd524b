# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change that suspends a container's VM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, with_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    SUSPENDED,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested


@dataclass(frozen=True)
class Suspend(ContainerChange):
    """Suspend the VM: its memory is saved, and the container goes on from there when the VM is powered on."""

    machine: Machine

    def describe(self) -> str:
        return f"suspend {self.container}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.container, "power", value=self.machine.power)

    def after(self) -> Mapping[str, Any]:
        return nested(self.container, "power", value=SUSPENDED)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return with_machine(observed, power=SUSPENDED)

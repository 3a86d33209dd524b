# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run of a program, which is the only change of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ObservedExec


@dataclass(frozen=True)
class RunProgram:
    """Run a program. What it changes is not known."""

    machine: Machine
    program: str
    # The container's secret.
    secret: str = field(repr=False)
    detach: bool = False

    def describe(self) -> str:
        # Arguments may be secrets.
        return f"{'start' if self.detach else 'run'} {self.program} in {self.machine.name}"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return {}

    def project(self, observed: ObservedExec) -> ObservedExec:
        return observed

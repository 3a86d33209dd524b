# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change that gives a container that runs other contents of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, with_machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import FIELD, SHA256, FilesToDeliver


@dataclass(frozen=True)
class ReplaceFiles(ContainerChange):
    """Send the contents that the document of a running container announces, which its guest puts in place of others."""

    machine: Machine
    files: FilesToDeliver
    wait_timeout: int
    # The options that have files.
    options: tuple[str, ...]

    def describe(self) -> str:
        return f"replace files in {self.container}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.container, "contents", value=(self.machine.status or {})[FIELD][SHA256])

    def after(self) -> Mapping[str, Any]:
        return nested(self.container, "contents", value=self.files.delivery.sha256)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        contents = {SHA256: self.files.delivery.sha256, "wanted": None, "error": None}
        return with_machine(observed, status={**(self.machine.status or {}), FIELD: contents})

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for bootstrap ISOs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import ObservedBootstrap
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Removal, nested


@dataclass(frozen=True)
class UploadIso:
    """Upload the ISO, replacing a file with its name and another size."""

    name: str
    path: str
    size: int
    found_size: int | None

    def describe(self) -> str:
        return f"upload {self.path}" if self.found_size is None else f"replace {self.path}, which is damaged"

    def before(self) -> Mapping[str, Any]:
        return {} if self.found_size is None else nested("files", self.path, "size", value=self.found_size)

    def after(self) -> Mapping[str, Any]:
        return nested("files", self.path, "size", value=self.size)

    def project(self, observed: ObservedBootstrap) -> ObservedBootstrap:
        return replace(observed, stored={**observed.stored, self.name: self.size})


@dataclass(frozen=True)
class RemoveFile(Removal):
    """Remove an ISO, or the remains of an interrupted upload."""

    name: str
    path: str

    def describe(self) -> str:
        return f"remove {self.path}"

    def before(self) -> Mapping[str, Any]:
        return nested("files", self.path, value={"state": "present"})

    def project(self, observed: ObservedBootstrap) -> ObservedBootstrap:
        stored = {name: size for name, size in observed.stored.items() if name != self.name}
        return replace(observed, stored=stored, abandoned=observed.abandoned - {self.name})


BootstrapChange: TypeAlias = "UploadIso | RemoveFile"

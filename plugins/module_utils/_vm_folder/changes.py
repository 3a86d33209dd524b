# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import FolderLevel, ObservedFolder


@dataclass(frozen=True)
class MakeVmFolder(Creation):
    """Create the folder with this name in the last one that exists."""

    name: str
    path: str

    def describe(self) -> str:
        return f"create {self.path}"

    def after(self) -> Mapping[str, Any]:
        return nested("folders", self.path, value={"state": "present"})

    def project(self, observed: ObservedFolder) -> ObservedFolder:
        return self.made(observed, None)

    def made(self, observed: ObservedFolder, moid: str | None) -> ObservedFolder:
        """Return the observed state once this task has created the folder."""
        return replace(self.found(observed, moid), created=(*observed.created, self.path))

    def found(self, observed: ObservedFolder, moid: str | None) -> ObservedFolder:
        """Return the observed state once the folder exists."""
        levels = (*observed.levels, FolderLevel(self.path, moid))
        return replace(observed, levels=levels, missing=observed.missing[1:], taken_by=None)


@dataclass(frozen=True)
class RemoveVmFolder(Removal):
    """Remove an empty folder."""

    name: str
    path: str
    moid: str

    def describe(self) -> str:
        return f"remove {self.path}"

    def before(self) -> Mapping[str, Any]:
        return nested("folders", self.path, value={"state": "present"})

    def project(self, observed: ObservedFolder) -> ObservedFolder:
        return replace(observed, levels=observed.levels[:-1], missing=(self.name,))


FolderChange: TypeAlias = "MakeVmFolder | RemoveVmFolder"

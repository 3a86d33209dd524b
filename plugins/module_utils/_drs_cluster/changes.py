# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that a plan for a cluster's settings is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    AdmissionControl,
    ObservedSettings,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested


@dataclass(frozen=True)
class ChangeSetting:
    """Change one setting. ``path`` is the path of its option; an advanced option that does not exist is None."""

    path: tuple[str, ...]
    old: Any
    new: Any

    def describe(self) -> str:
        name = ".".join(self.path)
        if self.new is None:
            return f"remove {name}"
        return f"set {name}: {_text(self.new)}"

    def before(self) -> Mapping[str, Any]:
        return {} if self.old is None else nested(*self.path, value=self.old)

    def after(self) -> Mapping[str, Any]:
        return {} if self.new is None else nested(*self.path, value=self.new)

    def applied_to(self, settings: Settings) -> Settings:
        """Return the settings with this one changed."""
        group, name = self.path[0], self.path[-1]
        if group == "ha":
            return replace(settings, ha={**settings.ha, name: self.new})
        if group != "advanced_options":
            return replace(settings, drs={**settings.drs, name: self.new})
        advanced = {**settings.advanced, name: self.new}
        return replace(settings, advanced={key: value for key, value in advanced.items() if value is not None})

    def project(self, observed: ObservedSettings) -> ObservedSettings:
        return replace(observed, settings=self.applied_to(observed.settings))


@dataclass(frozen=True)
class ChangeAdmission(ChangeSetting):
    """Change HA's admission control as a whole; ``old`` and ``new`` are its fields as the module's options."""

    admission: AdmissionControl

    def applied_to(self, settings: Settings) -> Settings:
        return replace(settings, admission=self.admission)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)

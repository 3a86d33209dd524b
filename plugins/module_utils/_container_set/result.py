# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project as container_set returns it. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import drift_warnings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.model import (
    ENTRY_LABEL,
    DesiredSet,
    ObservedSet,
)


def set_result(desired: DesiredSet, observed: ObservedSet) -> dict[str, Any]:
    """Return the containers, listed and unlisted, and the names of the containers of each entry."""
    pairs = list(zip(desired.containers, observed.containers, strict=True))
    return {
        "project": desired.project,
        "containers": [
            {**container_result(found.machine), "entry": desired.entry_of(wanted.name)}
            for wanted, found in pairs
            if found.machine is not None
        ],
        "unlisted": [fact for found in observed.unlisted for fact in _unlisted(found)],
        "entries": {entry: list(names) for entry, names in desired.entries.items()},
        "warnings": [warning for wanted, found in pairs for warning in drift_warnings(wanted, found)],
    }


def _unlisted(observed: ObservedContainer) -> list[dict[str, Any]]:
    machine = observed.current
    if machine is None:
        return []
    return [{**container_result(machine), "entry": machine.labels.get(ENTRY_LABEL)}]

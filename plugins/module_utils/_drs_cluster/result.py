# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drs_cluster returns. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import ObservedSettings, Settings


def settings_result(observed: ObservedSettings) -> dict[str, Any]:
    """Return the task's own part of the result."""
    return {"cluster": observed.cluster.path, "settings": settings_view(observed.settings, observed.hosts)}


def settings_view(settings: Settings, hosts: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings by the names of their options; ``hosts`` are the names of failover hosts by MoID."""
    admission = settings.admission
    return {
        **settings.drs,
        "advanced_options": dict(settings.advanced),
        "ha": {**settings.ha, "admission_control": None if admission is None else admission.view(hosts)},
    }

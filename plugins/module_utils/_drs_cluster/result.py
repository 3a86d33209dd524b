# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What drs_cluster returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import ObservedSettings


def settings_result(observed: ObservedSettings) -> dict[str, Any]:
    """Return the task's own part of the result."""
    settings, admission = observed.settings, observed.settings.admission
    return {
        "cluster": observed.cluster.path,
        "settings": {
            **settings.drs,
            "advanced_options": dict(settings.advanced),
            "ha": {
                **settings.ha,
                "admission_control": None if admission is None else admission.view(observed.hosts),
            },
        },
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of bootstrap_image. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import BootstrapRequest, ObservedBootstrap


def bootstrap_result(desired: BootstrapRequest, observed: ObservedBootstrap) -> dict[str, Any]:
    """Return the facts of the ISO that the task keeps; None if it removes one."""
    iso = observed.iso
    if iso is None or not desired.present:
        return {"bootstrap": None}
    return {
        "bootstrap": {
            "path": observed.path(iso.name),
            "datastore": observed.datastore_name,
            "version": iso.version,
            "sha256": iso.sha256,
            "size": iso.size,
        }
    }

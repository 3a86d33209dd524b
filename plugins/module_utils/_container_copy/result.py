# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of container_vm_copy returns. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    OTHER,
    DesiredCopy,
    ObservedCopy,
)


def copy_result(desired: DesiredCopy, observed: ObservedCopy) -> dict[str, Any]:
    """Return where the files are, and which were copied."""
    listing = observed.listing
    values: dict[str, Any] = {"container_path": listing.path, "files": list(observed.copied), "warnings": []}
    if desired.dest is not None:
        values["dest"] = observed.local.path
        others = [file.path for file in listing.files if file.kind == OTHER]
        if others:
            values["warnings"] = [
                f"{len(others)} devices, sockets or FIFOs in {listing.path} are not copied, such as {others[0]}."
            ]
    return values

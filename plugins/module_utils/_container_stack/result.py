# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack as container_stack returns it. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.result import set_result
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.model import DesiredStack, ObservedStack
from ansible_collections.gantry.vsphere.plugins.module_utils._image.result import image_result
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.result import volumes_result


def stack_result(desired: DesiredStack, observed: ObservedStack) -> dict[str, Any]:
    """Return the containers of each service, the containers of no service, and what was added for them."""
    of_set = set_result(desired.containers, observed.containers)
    needs, volumes = observed.needs, []
    if desired.volumes is not None and needs.volumes is not None:
        volumes = volumes_result(desired.volumes, needs.volumes)["volumes"]
    return {
        "project": desired.project,
        "services": {name: of_set["entries"][entry] for name, entry in desired.services.items()},
        "containers": of_set["containers"],
        "orphans": of_set["unlisted"],
        "images": [image_result(request, found)["image"] for request, found in needs.images],
        "volumes": volumes,
        "warnings": [*desired.warnings, *of_set["warnings"]],
    }

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of container_image and container_image_info. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageRequest,
    ObservedImageList,
    ObservedImages,
    find_template,
    users_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate


def image_result(desired: ImageRequest, observed: ObservedImages) -> dict[str, Any]:
    """Return what container_image returns."""
    template = find_template(desired, observed) if desired.present else None
    return {"image": None if template is None else _facts(template), "removed": list(observed.removed)}


def image_list_result(observed: ObservedImageList) -> dict[str, Any]:
    """Return what container_image_info returns."""
    images = []
    for template in sorted(observed.templates, key=lambda template: template.path):
        own = observed.disks.get(template.moid)
        images.append(
            {
                **_facts(template),
                **_size(template),
                "capacity_bytes": None if own is None else own.capacity_bytes,
                "in_use_by": list(users_of(template, observed.disks)),
            }
        )
    return {"images": images}


def template_facts(template: ImageTemplate) -> dict[str, Any]:
    """Return what identifies an image, for container_image_prune."""
    facts = {**_facts(template), **_size(template)}
    del facts["config"]
    return facts


def _size(template: ImageTemplate) -> dict[str, Any]:
    """Return when the template was made, and the space that it takes."""
    return {
        "imported": None if template.imported is None else template.imported.isoformat(),
        "size_bytes": template.size_bytes,
    }


def _facts(template: ImageTemplate) -> dict[str, Any]:
    """Return the result for one image, for both modules."""
    return {
        "name": template.name,
        "moid": None if template.gets_new_moid else template.moid or None,
        "path": template.path,
        "datastore": template.datastore,
        "state": template.state,
        "reference": template.reference,
        "references": list(template.references),
        "digest": template.digest,
        "disk": template.disk,
        "created": template.config.get("created"),
        "config": dict(template.config),
    }

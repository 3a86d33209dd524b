# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules container_image and container_image_info: which steps they are made of and what they return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply import apply_images
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImageChange
from ansible_collections.gantry.vsphere.plugins.module_utils._image.desire import image_query, image_request
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageQuery,
    ImageRequest,
    ObservedImages,
    find_template,
    matching,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import (
    Disks,
    observe_images,
    read_disks,
    read_inventory,
    read_templates,
    users_of,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    image_argument_spec,
    info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import plan_image
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerImage(Operation[ImageRequest, ObservedImages, ImageChange]):
    """An image in a datacenter: there, or not."""

    name = "container_image"
    argument_spec = argument_spec(**image_argument_spec())
    mutually_exclusive = MUTUALLY_EXCLUSIVE
    required_together = REQUIRED_TOGETHER

    def desire(self, params: Mapping[str, Any]) -> ImageRequest:
        return image_request(params)

    def observe(self, session: Session, desired: ImageRequest) -> ObservedImages:
        return observe_images(session, desired)

    def plan(self, desired: ImageRequest, observed: ObservedImages) -> Plan[ImageChange]:
        return plan_image(desired, observed)

    def apply(
        self,
        session: Session,
        desired: ImageRequest,
        observed: ObservedImages,
        plan: Plan[ImageChange],
        report: Report,
    ) -> ObservedImages:
        return apply_images(session, desired, observed, plan, report)

    def result(self, desired: ImageRequest, observed: ObservedImages) -> dict[str, Any]:
        template = find_template(desired, observed) if desired.present else None
        return {"image": None if template is None else image_facts(template)}


@dataclass(frozen=True)
class ObservedList:
    templates: tuple[ImageTemplate, ...] = ()
    disks: Mapping[str, Disks] = field(default_factory=dict)


class ContainerImageInfo(InfoOperation[ImageQuery, ObservedList]):
    """The images of a datacenter."""

    name = "container_image_info"
    argument_spec = argument_spec(**info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> ImageQuery:
        return image_query(params)

    def observe(self, session: Session, desired: ImageQuery) -> ObservedList:
        inventory = read_inventory(session)
        datacenter = inventory.datacenter(desired.datacenter)
        templates = read_templates(session, inventory, datacenter)
        if desired.reference is not None:
            templates = tuple(matching(templates, desired.reference, None))
        if not templates:
            return ObservedList()
        return ObservedList(templates, read_disks(session, inventory.vms(datacenter=datacenter)))

    def result(self, desired: ImageQuery, observed: ObservedList) -> dict[str, Any]:
        ordered = sorted(observed.templates, key=lambda template: template.path)
        return {"images": [self._facts(template, observed.disks) for template in ordered]}

    @staticmethod
    def _facts(template: ImageTemplate, disks: Mapping[str, Disks]) -> dict[str, Any]:
        own = disks.get(template.moid)
        return {
            **image_facts(template),
            "capacity_bytes": None if own is None else own.capacity_bytes,
            "in_use_by": list(users_of(template, disks)),
        }


def image_facts(template: ImageTemplate) -> dict[str, Any]:
    """Return the result of the modules for one image."""
    return {
        "name": template.name,
        "moid": template.moid or None,
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

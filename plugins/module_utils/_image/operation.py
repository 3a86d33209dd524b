# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of container_image and container_image_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply import apply_images
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImageChange
from ansible_collections.gantry.vsphere.plugins.module_utils._image.desire import desire_image, desire_query
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageQuery,
    ImageRequest,
    ObservedImageList,
    ObservedImages,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import observe_image_list, observe_images
from ansible_collections.gantry.vsphere.plugins.module_utils._image.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    image_argument_spec,
    info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import plan_image
from ansible_collections.gantry.vsphere.plugins.module_utils._image.result import image_list_result, image_result

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerImage(Operation[ImageRequest, ObservedImages, ImageChange]):
    name = "container_image"
    argument_spec = argument_spec(**image_argument_spec())
    mutually_exclusive = MUTUALLY_EXCLUSIVE
    required_together = REQUIRED_TOGETHER

    def desire(self, params: Mapping[str, Any]) -> ImageRequest:
        return desire_image(params)

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
        return image_result(desired, observed)


class ContainerImageInfo(InfoOperation[ImageQuery, ObservedImageList]):
    name = "container_image_info"
    argument_spec = argument_spec(**info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> ImageQuery:
        return desire_query(params)

    def observe(self, session: Session, desired: ImageQuery) -> ObservedImageList:
        return observe_image_list(session, desired)

    def result(self, desired: ImageQuery, observed: ObservedImageList) -> dict[str, Any]:
        return image_list_result(observed)

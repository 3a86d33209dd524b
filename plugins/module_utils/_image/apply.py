# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of a plan: the images of several disks at a time, each under the lock of its disk."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Kind
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import raise_failures
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image import apply_copy, apply_import, apply_template
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import (
    ImageBench,
    ImageSubject,
    image_subjects,
    locked,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CleanIncomplete,
    CopyImage,
    CreateFolder,
    DestroyImage,
    ImageChange,
    ImportImage,
    MarkTemplate,
    MoveImage,
    RehomeImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest, ObservedImages
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import read_inventory, read_templates
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_KINDS: dict[type[ImageChange], Kind[ImageSubject]] = {
    CreateFolder: Kind(apply_template.create_folder),
    CleanIncomplete: Kind(locked(apply_template.clean_incomplete), limit=32),
    # A host serves few uploads at a time, and each fills the network by itself.
    ImportImage: Kind(locked(apply_import.import_image), limit=4),
    CopyImage: Kind(locked(apply_copy.copy_image), limit=4),
    TagImage: Kind(locked(apply_template.tag_image), limit=32),
    MarkTemplate: Kind(locked(apply_template.mark_image), limit=32),
    RehomeImage: Kind(locked(apply_template.rehome_image), limit=16),
    MoveImage: Kind(locked(apply_template.move_image), limit=16),
    DestroyImage: Kind(locked(apply_template.destroy_image), limit=32),
}


def apply_images(
    session: Session, desired: ImageRequest, observed: ObservedImages, plan: Plan[ImageChange], report: Report
) -> ObservedImages:
    with contextlib.ExitStack() as stack:
        disk = None
        if any(isinstance(change, ImportImage) for change in plan.changes):
            disk = stack.enter_context(_converted(desired, observed, report))
        bench = ImageBench(session, desired, observed, disk, report)
        results = Batch(session, report, _KINDS).run(image_subjects(bench, plan.changes))
        raise_failures(results, "images")
    inventory = read_inventory(session, refresh=True)
    datacenter = inventory.datacenter(observed.place.datacenter)
    templates = read_templates(session, inventory, datacenter)
    return replace(observed, templates=templates, abandoned=frozenset(), removed=plan.project(observed).removed)


def _converted(
    desired: ImageRequest, observed: ObservedImages, report: Report
) -> contextlib.AbstractContextManager[ImageDisk]:
    image = None if observed.resolved is None else observed.resolved.image
    if image is None or observed.place.datastore is None:
        raise GantryError(f"The plan to import {desired.as_written!r} lacks its image or its datastore.")
    return apply_import.converted(desired, image, observed.place.datastore, report)

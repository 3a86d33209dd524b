# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the requested and the observed images. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
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
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageRequest,
    ObservedImages,
    Resolved,
    check_space,
    find_copy_source,
    find_template,
    matching,
    other_references,
    refuse_in_use,
    required_templates,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import (
    SNAPSHOT,
    ImageTemplate,
    template_names,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import without_removed


def plan_image(desired: ImageRequest, observed: ObservedImages) -> Plan[ImageChange]:
    steps = _present(desired, observed) if desired.present else _absent(desired, observed)
    return Plan(tuple(steps))


def _present(desired: ImageRequest, observed: ObservedImages) -> Iterator[ImageChange]:
    resolved = observed.resolved
    if resolved is None:
        raise GantryError(
            f"Image {desired.as_written!r} is not in datacenter {observed.place.datacenter_name}, and pull is 'never'. "
            "Import it with pull 'missing', or check its name: container_image_info lists what is there.",
            details={"image": desired.recorded},
        )
    yield from _clean(desired, observed, resolved.disk)
    template = find_template(desired, observed)
    if template is not None:
        yield from _adjust(desired, observed, template)
    else:
        yield from _import(desired, observed, resolved)
    for template in required_templates(desired, observed):
        # The reference now selects another image, and it must select one only.
        if template.disk != resolved.disk:
            yield from _rehome(observed, template)
            yield _without(template, desired.recorded)


def _clean(desired: ImageRequest, observed: ObservedImages, disk: str | None) -> Iterator[CleanIncomplete]:
    for template in observed.templates:
        of_this_image = template.disk == disk or desired.recorded in template.references
        if of_this_image and template.moid in observed.abandoned:
            yield CleanIncomplete(moid=template.moid, name=template.name, disk=template.disk)


def _import(desired: ImageRequest, observed: ObservedImages, resolved: Resolved) -> Iterator[ImageChange]:
    place = observed.place
    if place.pool is None or place.datastore is None:
        raise GantryError(f"Cannot import {desired.as_written!r}. {place.problem}")
    plain, distinct = template_names(resolved.digest, resolved.disk, place.datastore.moid)
    elsewhere = any(template.ready and template.disk == resolved.disk for template in observed.templates)
    name = distinct if elsewhere else plain
    if name in observed.foreign_names:
        raise GantryError(
            f"Cannot import {desired.as_written!r} as {name} into folder {place.folder_path}: a VM of that name is "
            "there which holds no image of ours. Rename or remove it, or give another folder."
        )
    yield from _folder(observed)
    values: dict[str, Any] = {
        "name": name,
        "reference": desired.as_written,
        "references": (desired.recorded,),
        "digest": resolved.digest,
        "disk": resolved.disk,
        "datastore": place.datastore.name,
        "datastore_moid": place.datastore.moid,
        "folder": place.folder_path,
    }
    source = find_copy_source(observed, resolved.disk)
    if source is None:
        yield ImportImage(**values)
        return
    check_space(desired, place.datastore, source.size_bytes or 0)
    yield CopyImage(**values, source=source.moid, source_path=source.path)


def _adjust(desired: ImageRequest, observed: ObservedImages, template: ImageTemplate) -> Iterator[ImageChange]:
    place = observed.place
    if not template.has_snapshot:
        raise GantryError(
            f"The template {template.path} of image {desired.as_written!r} has lost its snapshot {SNAPSHOT}, so "
            "nothing can be cloned from it. Remove it (state absent), then import the image again."
        )
    yield from _rehome(observed, template)
    if desired.folder is not None and template.folder != place.folder:
        yield from _folder(observed)
        yield MoveImage(
            moid=template.moid,
            name=template.name,
            disk=template.disk,
            old=template.path.rpartition("/")[0],
            new=place.folder_path,
        )
    if desired.recorded not in template.references:
        yield TagImage(
            moid=template.moid,
            name=template.name,
            disk=template.disk,
            old=template.references,
            new=tuple(sorted({*template.references, desired.recorded})),
        )
    elif not template.is_template and template.moid not in observed.rehomings:
        yield MarkTemplate(moid=template.moid, name=template.name, disk=template.disk)


def _folder(observed: ObservedImages) -> Iterator[CreateFolder]:
    if observed.place.folder is None:
        yield CreateFolder(path=observed.place.folder_path, parent=observed.place.folder_parent)


def _absent(desired: ImageRequest, observed: ObservedImages) -> Iterator[ImageChange]:
    yield from _clean(desired, observed, None)
    for template in matching(observed.templates, desired.reference, observed.wanted_datastore):
        if other_references(desired, template):
            yield from _rehome(observed, template)
            yield _without(template, desired.recorded)
            continue
        users = without_removed(observed.users.get(template.moid, ()), desired.assume_removed)
        refuse_in_use(desired, template, users)
        yield DestroyImage(
            moid=template.moid,
            name=template.name,
            disk=template.disk,
            digest=template.digest,
            references=template.references,
        )


def _without(template: ImageTemplate, reference: str) -> TagImage:
    return TagImage(
        moid=template.moid,
        name=template.name,
        disk=template.disk,
        old=template.references,
        new=tuple(other for other in template.references if other != reference),
    )


def _rehome(observed: ObservedImages, template: ImageTemplate) -> Iterator[RehomeImage]:
    rehoming = observed.rehomings.get(template.moid)
    if rehoming is not None:
        yield RehomeImage(disk=template.disk, rehoming=rehoming)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the changes of a plan, one after the other, each under the lock of its disk."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image import apply_template
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_import import Importer, converted
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CleanIncomplete,
    CreateFolder,
    DestroyImage,
    ImageChange,
    ImportImage,
    MarkTemplate,
    MoveImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    ImageRequest,
    ObservedImages,
    refuse_in_use,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import (
    import_locks,
    read_inventory,
    read_templates,
    read_users,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def apply_images(
    session: Session, desired: ImageRequest, observed: ObservedImages, plan: Plan[ImageChange], report: Report
) -> ObservedImages:
    with contextlib.ExitStack() as stack:
        disk = None
        if any(isinstance(change, ImportImage) for change in plan.changes):
            disk = stack.enter_context(_converted(desired, observed, report))
        applier = _Applier(session, desired, observed, disk, report)
        for change in plan.changes:
            report(change.describe())
            applier.make(change)
    inventory = read_inventory(session, refresh=True)
    datacenter = inventory.datacenter(observed.place.datacenter)
    return replace(observed, templates=read_templates(session, inventory, datacenter), abandoned=frozenset())


def _converted(
    desired: ImageRequest, observed: ObservedImages, report: Report
) -> contextlib.AbstractContextManager[ImageDisk]:
    image = None if observed.resolved is None else observed.resolved.image
    if image is None or observed.place.datastore is None:
        raise GantryError(f"The plan to import {desired.as_written!r} lacks its image or its datastore.")
    return converted(desired, image, observed.place.datastore, report)


class _Applier:
    def __init__(
        self,
        session: Session,
        desired: ImageRequest,
        observed: ObservedImages,
        disk: ImageDisk | None,
        report: Report,
    ) -> None:
        self._disk = disk
        self._session = session
        self._desired = desired
        self._observed = observed
        self._folder = observed.place.folder
        self._locks = import_locks(session, desired)
        self._report = report

    def make(self, change: ImageChange) -> None:
        if isinstance(change, CreateFolder):
            self._create_folder(change)
            return
        with self._locks.holding(change.disk, self._report):
            self._make_locked(change)

    def _make_locked(self, change: ImageChange) -> None:
        session, report = self._session, self._report
        match change:
            case CleanIncomplete():
                apply_template.remove_interrupted(session, change.moid, change.name, report)
            case ImportImage():
                self._import(change)
            case TagImage():
                apply_template.change_references(
                    session,
                    change.moid,
                    change.name,
                    add=frozenset(change.new) - frozenset(change.old),
                    remove=frozenset(change.old) - frozenset(change.new),
                    pool=self._observed.place.pool,
                    report=report,
                )
            case MarkTemplate():
                apply_template.mark_template(session, change.moid, change.name)
            case MoveImage():
                self._move(change)
            case DestroyImage():
                self._destroy(change)

    def _create_folder(self, change: CreateFolder) -> None:
        parent = self._session.ref("Folder", change.parent)
        name = change.path.rpartition("/")[2]
        try:
            made = apply_template.call(self._session, "create folder", change.path, lambda: parent.CreateFolder(name))
        except FaultError as error:
            if error.kind != "DuplicateName":
                raise
            made = error.cause.object  # another run was faster
        self._folder = moid_of(made)

    def _import(self, change: ImportImage) -> None:
        place = self._observed.place
        if self._folder is None or place.pool is None or self._disk is None:
            raise GantryError(f"The plan to import {change.reference!r} lacks its place or its disk.")
        Importer(
            self._session,
            self._desired,
            change,
            place=place,
            folder=self._folder,
            pool=place.pool,
            locks=self._locks,
            report=self._report,
        ).run(self._disk)

    def _destroy(self, change: DestroyImage) -> None:
        session = self._session
        inventory = read_inventory(session, refresh=True)
        datacenter = inventory.datacenter(self._observed.place.datacenter)
        there = [one for one in read_templates(session, inventory, datacenter) if one.moid == change.moid]
        # Somebody may have made a clone since the plan; its disk would go with the template's.
        for template in there:
            users = read_users(session, inventory.vms(datacenter=datacenter), [template])
            refuse_in_use(self._desired, template, users.get(template.moid, ()))
            apply_template.destroy(session, template.moid, template.name, self._report)

    def _move(self, change: MoveImage) -> None:
        session = self._session
        folder = session.ref("Folder", str(self._folder))
        vm = session.ref("VirtualMachine", change.moid)

        def start() -> Any:
            return folder.MoveIntoFolder_Task([vm])

        session.run_one(Job(subject=change.name, action=f"move to {change.new}", start=start), self._report)

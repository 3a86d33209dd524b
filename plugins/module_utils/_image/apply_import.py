# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One image from the cache to a template: convert, upload through an import lease, snapshot, name, mark.

The VM has a name of its own and the state ``importing`` until all is there; one call then gives it its name and the
state ``ready``. So there is never half an image that looks like one, and of two runs that import the same image at
once the second finds the name taken and uses what the first has made.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._image import apply_template
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImportImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import hardware_for, import_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import Datastore, ImagePlace, ImageRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import read_inventory, read_templates
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import (
    IMPORTING,
    SNAPSHOT,
    Claim,
    ImageTemplate,
    extra_config,
    ready_values,
    template_names,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.cache import Cache
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk, ensure_disk
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ResolvedImage
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_MIB = 1 << 20


@contextlib.contextmanager
def converted(desired: ImageRequest, image: ResolvedImage, datastore: Datastore, report: Report) -> Iterator[ImageDisk]:
    """Yield the image as a disk that fits on the datastore. Nothing is changed in vCenter before that."""
    # The cache stays open: it keeps the disk until it is uploaded.
    with Cache(desired.cache) as cache:
        disk = ensure_disk(image, options=desired.options, cache=cache, report=report)
        # The template's disk is thin: its squashfs is what it takes.
        if datastore.free_bytes < disk.squashfs_bytes:
            raise GantryError(
                f"Image {desired.as_written!r} takes {_mib(disk.squashfs_bytes)} and datastore {datastore.name} has "
                f"{_mib(datastore.free_bytes)} left. Make room, or give another datastore.",
                details={"needed_bytes": disk.squashfs_bytes, "free_bytes": datastore.free_bytes},
            )
        yield disk


def _mib(size: int) -> str:
    return f"{-(-size // _MIB)} MiB"


class Importer:
    """Makes the template of one image, or finds that another run has made it."""

    def __init__(
        self,
        session: Session,
        desired: ImageRequest,
        change: ImportImage,
        *,
        place: ImagePlace,
        folder: str,
        pool: str,
        locks: ImportLocks,
        report: Report,
    ) -> None:
        self._session = session
        self._desired = desired
        self._change = change
        self._place = place
        self._folder = folder
        self._pool = pool
        self._locks = locks
        self._report = report

    def run(self, disk: ImageDisk) -> None:
        """To be called with the lock of the image's disk held."""
        templates = self._templates()
        self._clean(templates)
        made = self._made_meanwhile(templates)
        if made is not None:
            self._use(made)
            return
        vm = self._upload(disk)
        try:
            name = self._finish(vm)
        except BaseException:
            # The error that ended it is the one to tell; what cannot be removed now the next run removes.
            with contextlib.suppress(GantryError):
                apply_template.destroy(self._session, vm, self._change.name, self._report)
            raise
        if name is not None:
            apply_template.mark_template(self._session, vm, name)

    def _templates(self) -> tuple[ImageTemplate, ...]:
        inventory = read_inventory(self._session, refresh=True)
        return read_templates(self._session, inventory, inventory.datacenter(self._place.datacenter))

    def _clean(self, templates: Sequence[ImageTemplate]) -> None:
        """Remove interrupted imports of this disk by this machine: they are not running, since we hold their lock."""
        controller = self._locks.controller()
        for template in templates:
            claimed = template.claim is not None and template.claim.controller == controller
            if template.state == IMPORTING and template.disk == self._change.disk and claimed:
                apply_template.remove_interrupted(self._session, template.moid, template.name, self._report)

    def _made_meanwhile(self, templates: Sequence[ImageTemplate]) -> ImageTemplate | None:
        for template in templates:
            if template.ready and template.disk == self._change.disk and template.datastore == self._change.datastore:
                return template
        return None

    def _use(self, template: ImageTemplate) -> None:
        """Another run has made the template; it needs to bear our reference."""
        if not set(self._change.references) <= set(template.references):
            apply_template.change_references(
                self._session,
                template.moid,
                template.name,
                add=frozenset(self._change.references),
                remove=frozenset(),
                pool=self._pool,
                report=self._report,
            )

    def _upload(self, disk: ImageDisk) -> str:
        session, change = self._session, self._change
        place = self._place
        host = None if place.host is None else session.ref("HostSystem", place.host)
        temporary = f"{change.name}.import-{uuid.uuid4().hex[:8]}"
        claim = Claim(controller=self._locks.controller(), started=server_time(session))
        spec = import_spec(
            name=temporary,
            datastore=change.datastore,
            capacity_bytes=disk.capacity_bytes,
            hardware=hardware_for(place.host_releases),
            extra_config=extra_config(
                reference=change.reference,
                references=change.references,
                digest=change.digest,
                disk=change.disk,
                config=disk.config,
                claim=claim,
            ),
        )
        pool, folder = session.ref("ResourcePool", self._pool), session.ref("Folder", self._folder)
        lease = apply_template.call(
            session, "import", change.name, lambda: pool.ImportVApp(spec=spec, folder=folder, host=host)
        )
        return moid_of(session.import_disks(lease, [disk.vmdk], self._report))

    def _finish(self, vm: str) -> str | None:
        """Make the upload an image; its name. None: another run was faster, and its template is used."""
        self._task(vm, "snapshot", lambda ref: ref.CreateSnapshot_Task(SNAPSHOT, "", False, False))
        change = self._change
        for name in dict.fromkeys((change.name, *template_names(change.digest, change.disk, change.datastore_moid))):
            spec = apply_template.config_spec(ready_values(), name=name)
            try:
                self._task(vm, "name", lambda ref, spec=spec: ref.ReconfigVM_Task(spec))  # type: ignore[misc]
            except FaultError as error:
                if error.kind != "DuplicateName":
                    raise
                if self._yield_to(vm, name):
                    return None
                # The image is on another datastore by that name: the next one.
            else:
                return name
        raise GantryError(f"All names for the template {change.name} are taken on other datastores.")

    def _yield_to(self, vm: str, name: str) -> bool:
        """Handle a taken name. If the same image on the same datastore has it, use that one and remove ours."""
        templates = self._templates()
        made = self._made_meanwhile(templates)
        if made is not None:
            apply_template.destroy(self._session, vm, name, self._report)
            self._use(made)
            return True
        if any(template.name == name and template.folder == self._folder for template in templates):
            return False
        raise GantryError(
            f"Cannot import {self._change.reference!r} as {name} into folder {self._change.folder}: a VM of that name "
            "is there which holds no image of ours. Rename or remove it, or give another folder."
        )

    def _task(self, vm: str, action: str, start: Callable[[Any], Any]) -> None:
        ref = self._session.ref("VirtualMachine", vm)
        job = Job(subject=self._change.name, action=action, start=lambda: start(ref))
        self._session.run_one(job, self._report)

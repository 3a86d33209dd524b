# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import one image as a template: convert, upload through an import lease, snapshot, name, mark.

The VM has a name of its own and the state ``importing`` until all is there; one call then gives it its name and the
state ``ready``. So there is never half an image that looks like one, and of two runs that import the same image at
once the second finds the name taken and uses what the first has made.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._image import apply_template
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import ImageBench, ImageSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import ImportImage, NewImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import config_spec, hardware_for, import_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import Datastore, ImageRequest, check_space
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
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.apply import mark_as_template
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.clock import server_time
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ResolvedImage

C = TypeVar("C", bound=NewImage)


@contextlib.contextmanager
def converted(desired: ImageRequest, image: ResolvedImage, datastore: Datastore, report: Report) -> Iterator[ImageDisk]:
    """Yield the image as a disk that fits on the datastore. Nothing is changed in vCenter before that."""
    # The cache stays open: it keeps the disk until it is uploaded.
    with Cache(desired.cache) as cache:
        disk = ensure_disk(image, options=desired.options, cache=cache, report=report)
        # The template's disk is thin, so it takes the space of its squashfs.
        check_space(desired, datastore, disk.squashfs_bytes)
        yield disk


def import_image(subject: ImageSubject, change: ImportImage) -> Flow[None]:
    """Upload the image as a template, or use the one that another run has made. The lock of its disk is held."""
    yield from make_image(subject, change, _upload)


def make_image(subject: ImageSubject, change: C, create: Callable[[ImageSubject, C], Flow[str]]) -> Flow[None]:
    """Make a template of the VM that ``create`` creates, or use the one that another run has made."""
    bench = subject.bench
    templates = yield from bench.templates()
    yield from _clean(bench, change, templates)
    made = _made_meanwhile(change, templates)
    if made is not None:
        yield from _use(bench, change, made)
        return
    vm = yield from create(subject, change)
    try:
        name = yield from _finish(subject, change, vm)
    except GantryError:
        # That error is the one to report. What cannot be removed now is removed by the next run.
        with contextlib.suppress(GantryError):
            yield from apply_template.destroy(bench.session, vm, change.name)
        raise
    if name is not None:
        yield from mark_as_template(bench.session, vm, name)


def _clean(bench: ImageBench, change: NewImage, templates: Sequence[ImageTemplate]) -> Flow[None]:
    """Remove interrupted imports of this disk by this machine: they are not running, since we hold their lock."""
    controller = bench.locks.controller()
    for template in templates:
        claimed = template.claim is not None and template.claim.controller == controller
        if template.state == IMPORTING and template.disk == change.disk and claimed:
            yield from apply_template.remove_interrupted(bench.session, template.moid, template.name)


def _made_meanwhile(change: NewImage, templates: Sequence[ImageTemplate]) -> ImageTemplate | None:
    for template in templates:
        if template.ready and template.disk == change.disk and template.datastore == change.datastore:
            return template
    return None


def _use(bench: ImageBench, change: NewImage, template: ImageTemplate) -> Flow[None]:
    """Add our reference to the template that another run has made."""
    if not set(change.references) <= set(template.references):
        yield from apply_template.change_references(
            bench, template.moid, template.name, add=frozenset(change.references), remove=frozenset()
        )


def temporary_name(change: NewImage) -> str:
    """Return the name of the VM until it is an image."""
    return f"{change.name}.import-{uuid.uuid4().hex[:8]}"


def _upload(subject: ImageSubject, change: ImportImage) -> Flow[str]:
    """Upload the disk and return the MoID of the new VM."""
    bench, place = subject.bench, subject.bench.place
    session, disk = bench.session, bench.disk
    if subject.folder is None or place.pool is None or disk is None:
        raise GantryError(f"The plan to import {change.reference!r} lacks its place or its disk.")
    host = None if place.host is None else session.ref("HostSystem", place.host)
    pool, folder = session.ref("ResourcePool", place.pool), session.ref("Folder", subject.folder)
    name = temporary_name(change)
    vmdk, stop = disk.vmdk, threading.Event()

    def upload() -> Any:
        claim = Claim(controller=bench.locks.controller(), started=server_time(session))
        spec = import_spec(
            name=name,
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
        lease = pool.ImportVApp(spec=spec, folder=folder, host=host)
        return session.import_disks(lease, [vmdk], bench.report, stop)

    made = yield Job(change.name, "import", upload, has_task=False, stop=stop)
    return moid_of(made)


def _finish(subject: ImageSubject, change: NewImage, vm: str) -> Flow[str | None]:
    """Make the upload an image; return its name. None: another run was faster, and its template is used."""
    ref = subject.bench.vm(vm)
    yield Job(change.name, "snapshot", lambda: ref.CreateSnapshot_Task(SNAPSHOT, "", False, False))
    for name in dict.fromkeys((change.name, *template_names(change.digest, change.disk, change.datastore_moid))):
        spec = config_spec(ready_values(), name=name)
        try:
            yield Job(change.name, "name", functools.partial(ref.ReconfigVM_Task, spec))
        except FaultError as error:
            if error.kind != "DuplicateName":
                raise
            if (yield from _yield_to(subject, change, vm, name)):
                return None
            # The image is on another datastore by that name: try the next one.
        else:
            return name
    raise GantryError(f"All names for the template {change.name} are taken on other datastores.")


def _yield_to(subject: ImageSubject, change: NewImage, vm: str, name: str) -> Flow[bool]:
    """Handle a taken name. If the same image on the same datastore has it, use that one and remove ours."""
    bench = subject.bench
    templates = yield from bench.templates()
    made = _made_meanwhile(change, templates)
    if made is not None:
        yield from apply_template.destroy(bench.session, vm, name)
        yield from _use(bench, change, made)
        return True
    if any(template.name == name and template.folder == subject.folder for template in templates):
        return False
    raise GantryError(
        f"Cannot import {change.reference!r} as {name} into folder {change.folder}: a VM of that name "
        "is there which holds no image of ours. Rename or remove it, or give another folder."
    )

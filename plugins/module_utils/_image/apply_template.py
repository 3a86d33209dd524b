# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Change the templates of one disk. Other runs may change them at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Attempt, Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import ImageBench, ImageSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CleanIncomplete,
    CreateFolder,
    DestroyImage,
    MarkTemplate,
    MoveImage,
    RehomeImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.encode import config_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import refuse_in_use
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import (
    KEY_REFERENCES,
    decoded_references,
    encoded_references,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.apply import (
    mark_as_template,
    mark_as_vm,
    rehome,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, moid_or_none
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, JobOutcome, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_ATTEMPTS = 5
# The faults of a VM whose import lease is still open.
_BUSY = frozenset({"TaskInProgress", "InvalidState", "ConcurrentAccess"})
_REFERENCES = f'config.extraConfig["{KEY_REFERENCES}"]'


def create_folder(subject: ImageSubject, change: CreateFolder) -> Flow[None]:
    parent = subject.bench.session.ref("Folder", change.parent)
    name = change.path.rpartition("/")[2]
    try:
        made = yield Job(change.path, "create folder", lambda: parent.CreateFolder(name), has_task=False)
    except FaultError as error:
        if error.kind != "DuplicateName":
            raise
        made = error.cause.object  # another run was faster
    subject.folder = moid_of(made)


def clean_incomplete(subject: ImageSubject, change: CleanIncomplete) -> Flow[None]:
    yield from remove_interrupted(subject.bench.session, change.moid, change.name)


def tag_image(subject: ImageSubject, change: TagImage) -> Flow[None]:
    new, old = frozenset(change.new), frozenset(change.old)
    moid = subject.moid(change.moid)
    yield from change_references(subject.bench, moid, change.name, add=new - old, remove=old - new)


def mark_image(subject: ImageSubject, change: MarkTemplate) -> Flow[None]:
    yield from mark_as_template(subject.bench.session, subject.moid(change.moid), change.name)


def rehome_image(subject: ImageSubject, change: RehomeImage) -> Flow[None]:
    subject.renewed[change.rehoming.moid] = yield from rehome(subject.bench.session, change.rehoming)


def move_image(subject: ImageSubject, change: MoveImage) -> Flow[None]:
    folder = subject.bench.session.ref("Folder", str(subject.folder))
    vm = subject.bench.vm(subject.moid(change.moid))
    yield Job(change.name, f"move to {change.new}", lambda: folder.MoveIntoFolder_Task([vm]))


def destroy_image(subject: ImageSubject, change: DestroyImage) -> Flow[None]:
    bench = subject.bench
    templates = yield from bench.templates()
    for template in [one for one in templates if one.moid == change.moid]:
        # Somebody may have made a clone since the plan; its disk would go with the template's.
        users = yield from bench.users(template)
        refuse_in_use(bench.desired, template, users)
        yield from destroy(bench.session, template.moid, template.name)


def destroy(session: Session, moid: str, name: str) -> Flow[None]:
    """Remove the VM and its files. It is no error if the VM is gone already."""
    try:
        yield Job(name, "destroy", session.ref("VirtualMachine", moid).Destroy_Task)
    except FaultError as error:
        if error.kind != "ManagedObjectNotFound":
            raise


def remove_interrupted(session: Session, moid: str, name: str) -> Flow[None]:
    """Remove what an interrupted import left. vCenter itself removes one whose upload it still waits for."""
    try:
        yield from destroy(session, moid, name)
    except FaultError as error:
        if error.kind not in _BUSY:
            raise
        session.warn(
            f"vCenter still waits for the upload of the interrupted import {name}, and does not let it be removed. "
            "It gives it up by itself within five minutes."
        )


def change_references(
    bench: ImageBench, moid: str, name: str, *, add: frozenset[str], remove: frozenset[str]
) -> Flow[None]:
    """Add and remove references, whatever others have added or removed meanwhile.

    vCenter refuses to change a template, so it is a VM for as long as that takes. Linked clones can be made all the
    while. A run that ends in between leaves a VM that the next one marks as a template again.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        row = yield read_job(name, lambda: _read_references(bench, moid, name))
        if row.get("config.template"):
            yield from mark_as_vm(bench.session, moid, name, **_place_for_changes(bench, name, row))
        written: JobOutcome = yield Attempt(_write_references(bench, moid, name, add, remove))
        yield from mark_as_template(bench.session, moid, name)
        if written.error is None:
            return
        # NotSupported: another run has made it a template again in between.
        again = isinstance(written.error, FaultError) and written.error.kind == "NotSupported"
        if not again or attempt == _ATTEMPTS:
            raise written.error


def _place_for_changes(bench: ImageBench, name: str, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the template's own host and a pool of it. Only a cluster with DRS would choose them itself."""
    host = moid_or_none(row.get("runtime.host")) or ""
    pool = bench.place.pools.get(host)
    if pool is None:
        raise GantryError(
            f"The resource pool for changing the references of {name} cannot be read: that of the cluster of its host. "
            "Check the privileges on the cluster, or run again if the host was added just now."
        )
    return {"pool": pool, "host": host}


def _write_references(bench: ImageBench, moid: str, name: str, add: frozenset[str], remove: frozenset[str]) -> Job:
    vm = bench.vm(moid)

    def start() -> Any:
        # Read here, so that a retry after a change by another client starts from the new state.
        row = _read_references(bench, moid, name)
        known = decoded_references(getattr(row.get(_REFERENCES), "value", None))
        spec = config_spec({KEY_REFERENCES: encoded_references(tuple((set(known) | add) - remove))})
        spec.changeVersion = row.get("config.changeVersion")
        return vm.ReconfigVM_Task(spec)

    return Job(name, "set references", start)


def _read_references(bench: ImageBench, moid: str, name: str) -> Mapping[str, Any]:
    rows = bench.session.read(
        [bench.vm(moid)], ["config.template", "config.changeVersion", "runtime.host", _REFERENCES]
    )
    if not rows:
        raise GantryError(f"The template {name} was removed by someone else meanwhile. Run again.")
    return rows[0]

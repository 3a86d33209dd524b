# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images on their way through their changes: the lock of each disk, and the reads that several changes need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import HeldLock, ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CreateFolder,
    ImageChange,
    NewImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ImageRequest, ObservedImages
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import (
    import_locks,
    read_inventory,
    read_templates,
    read_users,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.convert import ImageDisk
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, ResourceClaim, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

C = TypeVar("C")
# Each wait for a lock occupies a thread. There are fewer waits than threads, so that subjects that hold a lock, for
# which another run may wait, can always continue.
_LOCK_WAIT = ResourceClaim("wait for an import lock", 1, 4)
# The session holds one inventory, so it is read by one thread at a time.
INVENTORY = ResourceClaim("inventory", 1, 1)


def acquire(locks: ImportLocks, disk: str, report: Report) -> Flow[HeldLock]:
    """Wait for the lock of a disk."""
    lock: HeldLock = yield read_job(disk, lambda: locks.acquire(disk, report), claims=(_LOCK_WAIT,))
    return lock


class ImageBench:
    """The session, the request, the observed place, and the disk to upload, if there is one."""

    def __init__(
        self,
        session: Session,
        desired: ImageRequest,
        observed: ObservedImages,
        disk: ImageDisk | None,
        report: Report,
    ) -> None:
        self.session = session
        self.desired = desired
        self.place = observed.place
        self.disk = disk
        self.report = report
        self.locks = import_locks(session, desired.cache)

    def vm(self, moid: str) -> Any:
        return self.session.ref("VirtualMachine", moid)

    def lock(self, disk: str) -> Flow[HeldLock]:
        """Wait for the lock of a disk."""
        return (yield from acquire(self.locks, disk, self.report))

    def templates(self) -> Flow[tuple[ImageTemplate, ...]]:
        """Return the images and imports of the datacenter as they are now."""
        found: tuple[ImageTemplate, ...] = yield Gather("templates", None, self._read_templates)
        return found

    def users(self, template: ImageTemplate) -> Flow[tuple[str, ...]]:
        """Return the VMs that use a template now."""
        found: dict[str, tuple[str, ...]] = yield Gather("users", template, self._read_users)
        return found.get(template.moid, ())

    def _read_templates(self, _items: Sequence[None]) -> Job:
        def read() -> tuple[ImageTemplate, ...]:
            inventory = read_inventory(self.session, refresh=True)
            return read_templates(self.session, inventory, inventory.datacenter(self.place.datacenter))

        return read_job("images", read, claims=(INVENTORY,))

    def _read_users(self, templates: Sequence[ImageTemplate]) -> Job:
        def read() -> dict[str, tuple[str, ...]]:
            inventory = read_inventory(self.session, refresh=True)
            vms = inventory.vms(datacenter=inventory.datacenter(self.place.datacenter))
            return read_users(self.session, vms, templates)

        return read_job("users of images", read, claims=(INVENTORY,))


@dataclass
class ImageSubject(Subject):
    """The templates of one disk.

    ``folder``: the MoID of the folder for new templates, once it is there. ``renewed``: the MoIDs of templates that
    were registered again, by their former ones.
    """

    bench: ImageBench = field(kw_only=True)
    folder: str | None = None
    renewed: dict[str, str] = field(default_factory=dict)

    def moid(self, planned: str) -> str:
        """Return the current MoID of a planned template."""
        return self.renewed.get(planned, planned)


def locked(handler: Callable[[ImageSubject, C], Flow[None]]) -> Callable[[ImageSubject, C], Flow[None]]:
    """Hold the lock of the subject's disk while its change is made."""

    def make(subject: ImageSubject, change: C) -> Flow[None]:
        lock = yield from subject.bench.lock(subject.id)
        with lock:
            yield from handler(subject, change)

    return make


def image_subjects(bench: ImageBench, changes: Sequence[ImageChange]) -> list[ImageSubject]:
    """Return a subject for each disk, with its changes in their order.

    A reference that moves to another image is taken from the old one only when the new one has it.
    """
    subjects: dict[str, ImageSubject] = {}
    folders: list[ImageChange] = []
    for change in changes:
        if isinstance(change, CreateFolder):
            folders.append(change)  # for the change that follows it
            continue
        subject = subjects.get(change.disk)
        if subject is None:
            subject = ImageSubject(change.disk, change.name, [], bench=bench, folder=bench.place.folder)
            subjects[change.disk] = subject
        subject.changes = [*subject.changes, *folders, change]
        folders = []
    gaining = {key for key, subject in subjects.items() if any(_adds_reference(one) for one in subject.changes)}
    for key, subject in subjects.items():
        if key not in gaining and any(isinstance(change, TagImage) for change in subject.changes):
            subject.after = frozenset(gaining)
    return list(subjects.values())


def _adds_reference(change: ImageChange) -> bool:
    return isinstance(change, NewImage) or (isinstance(change, TagImage) and not set(change.new) <= set(change.old))

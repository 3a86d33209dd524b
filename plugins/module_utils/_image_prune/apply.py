# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove the images of a plan, each after its state was read again under the lock of its disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.locks import ImportLocks
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Flow, Gather, Kind, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import raise_failures
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import INVENTORY, acquire
from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_template import destroy, remove_interrupted
from ansible_collections.gantry.vsphere.plugins.module_utils._image.observe import import_locks
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import IMPORTING
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.changes import PruneImage
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.model import (
    ObservedPrune,
    PruneRequest,
    kept_because,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image_prune.observe import observe_prune
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


@dataclass
class PruneSubject(Subject):
    """One image to remove. ``removed``: whether it was."""

    session: Session = field(kw_only=True)
    desired: PruneRequest = field(kw_only=True)
    locks: ImportLocks = field(kw_only=True)
    report: Report = field(kw_only=True)
    removed: bool = False


def apply_prune(session: Session, desired: PruneRequest, plan: Plan[PruneImage], report: Report) -> ObservedPrune:
    locks = import_locks(session, desired.cache)
    subjects = [
        PruneSubject(
            change.candidate.template.moid,
            change.name,
            [change],
            session=session,
            desired=desired,
            locks=locks,
            report=report,
        )
        for change in plan.changes
    ]
    raise_failures(Batch(session, report, {PruneImage: Kind(_prune, limit=32)}).run(subjects), "images")
    removed = {subject.id for subject in subjects if subject.removed}
    return replace(
        observe_prune(session, desired, refresh=True),
        removed=tuple(change.candidate for change in plan.changes if change.candidate.template.moid in removed),
    )


def _prune(subject: PruneSubject, change: PruneImage) -> Flow[None]:
    """Remove the image unless something keeps it by now: another run may have made a clone or added a reference."""
    template = change.candidate.template
    lock = yield from acquire(subject.locks, template.disk, subject.report)
    with lock:
        observed: ObservedPrune = yield Gather("images", subject, _observe_again)
        current = next((one for one in observed.candidates if one.template.moid == template.moid), None)
        if current is None:
            return
        if change.candidate.abandoned:
            # The lock is held, so an import of this machine is not running. Another one has only become older.
            if current.template.state != IMPORTING or current.template.claim != template.claim:
                return
            yield from remove_interrupted(subject.session, template.moid, template.name)
        elif kept_because(subject.desired, current, observed.now) is not None:
            return
        else:
            yield from destroy(subject.session, template.moid, template.name)
        subject.removed = True


def _observe_again(subjects: Sequence[PruneSubject]) -> Job:
    first = subjects[0]
    return read_job("images", lambda: observe_prune(first.session, first.desired, refresh=True), claims=(INVENTORY,))

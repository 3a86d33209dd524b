# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the changes of plans, many containers in parallel.

A container that fails is left as it is, and the others continue; the next run finishes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container import (
    apply_files,
    apply_monitor,
    apply_power,
    apply_relocate,
    apply_replacement,
    apply_suspend,
    apply_vm,
    apply_volumes,
    changes,
    changes_files,
    changes_monitor,
    changes_replacement,
    changes_suspend,
    changes_volumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import (
    ContainerSubject,
    ContainerWork,
    CreatedVm,
    Workbench,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_names import changed_scopes, update_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_stages import (
    BETWEEN,
    Interlude,
    MakeCall,
    creations,
    in_stages,
    joined,
    make_call,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import StartupError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.hints import explain
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Kind
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import SubjectResult, raise_failures

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The maximum number of requests of a kind that run in parallel. vCenter runs as many as a host and a datastore allow
# and queues the rest; a long queue delays all other users of the same vCenter.
_KINDS: dict[type[ContainerChange | MakeCall], Kind[ContainerSubject]] = {
    changes_volumes.AttachVolume: Kind(apply_volumes.attach_volume, limit=32),
    changes.AwaitStatus: Kind(apply_power.await_status),
    changes.Clone: Kind(apply_vm.clone, limit=32),
    changes.Destroy: Kind(apply_vm.destroy, limit=32),
    changes_volumes.DetachVolumes: Kind(apply_volumes.detach_volumes, limit=32),
    changes_monitor.Monitor: Kind(apply_monitor.monitor),
    changes.MoveFolder: Kind(apply_vm.move_folder, limit=16),
    changes.MovePool: Kind(apply_vm.move_pool, limit=16),
    changes.PowerOn: Kind(apply_power.power_on, limit=64),
    changes.Promote: Kind(apply_vm.promote, limit=32),
    changes.Reconfigure: Kind(apply_vm.reconfigure, limit=32),
    changes.RehomeTemplate: Kind(apply_vm.rehome_template, limit=16),
    changes_files.ReplaceFiles: Kind(apply_files.replace_files),
    changes.Relocate: Kind(apply_relocate.relocate, limit=16),
    changes_replacement.Discard: Kind(apply_vm.destroy, limit=32),
    changes_replacement.Drain: Kind(apply_replacement.drain),
    changes_replacement.Reinstate: Kind(apply_vm.promote, limit=32),
    changes_replacement.Retire: Kind(apply_replacement.retire, limit=32),
    MakeCall: Kind(make_call),
    changes_suspend.Suspend: Kind(apply_suspend.suspend, limit=16),
    changes.Stop: Kind(apply_power.stop, limit=64),
}


def apply_containers(session: Session, planned: Iterable[ContainerChange], report: Report) -> None:
    """Make the changes; at the end, raise one error for all containers that failed."""
    by_container: dict[str, list[ContainerChange]] = {}
    for change in planned:
        by_container.setdefault(change.container, []).append(change)
    apply_in_order(session, [ContainerWork(name, name, made) for name, made in by_container.items()], report)


@dataclass(frozen=True)
class ContainerResults:
    """What became of each work by its id, and of the tables of names that were written then."""

    works: Mapping[str, SubjectResult]
    tables: Sequence[SubjectResult]
    noun: str

    def raise_failures(self) -> None:
        """Raise one error if any container failed, or the table of names of one."""
        raise_failures(list(self.works.values()), self.noun)
        raise_failures(self.tables, "tables of names")


def apply_in_order(session: Session, works: Iterable[ContainerWork], report: Report) -> None:
    """Make the changes of each container after those of the containers that it waits for, and raise for failures."""
    run_in_order(session, works, report).raise_failures()


def run_in_order(
    session: Session,
    works: Iterable[ContainerWork],
    report: Report,
    *,
    names: bool = True,
    between: Interlude | None = None,
) -> ContainerResults:
    """Make the changes of each container after those of the containers that it waits for, and write tables of names.

    Without ``names`` the tables are left to the caller. ``between`` is called when all new VMs exist, or could not be
    created, and before any other change. It raises what the call raises.
    """
    known = list(works)
    own = _without_updates(known)
    divided = _after_templates(own if between is None else in_stages(own))
    bench = Workbench(session)
    subjects = list(_subjects(bench, divided, between))
    for change in (change for subject in subjects for change in subject.changes):
        if isinstance(change, (changes.Clone, changes.Reconfigure)):
            for claim in change.claims:
                bench.promise(claim.pool, claim.address)
    moves = any(isinstance(change, changes.RehomeTemplate) for subject in subjects for change in subject.changes)
    made = Batch(session, report, _KINDS, explain=_explain).run(subjects)
    results = {subject.id: one for subject, one in zip(subjects, made, strict=True)}
    called = results.get(BETWEEN)
    if called is not None and called.error is not None:
        raise called.error
    return ContainerResults(
        works=joined(divided, results),
        tables=write_tables(session, (change for work in known for change in work.changes), report) if names else [],
        noun="containers and templates" if moves else "containers",
    )


def _subjects(
    bench: Workbench, works: Sequence[ContainerWork], between: Interlude | None
) -> Iterator[ContainerSubject]:
    created = {work.id: CreatedVm() for work in works}
    for work in works:
        own = created[work.creation or work.id]
        yield ContainerSubject(
            work.id, work.name, work.changes, work.after, work.follows, work.tolerated, bench=bench, created=own
        )
    if between is not None:
        before = creations(works)
        call = MakeCall(between, {work.name: created[work.id] for work in before})
        follows = frozenset(work.id for work in before)
        yield ContainerSubject(BETWEEN, between.what, (call,), follows=follows, bench=bench)


def write_tables(session: Session, made: Iterable[ContainerChange], report: Report) -> list[SubjectResult]:
    """Let containers find each other as they are after these changes; return what became of each table."""
    scopes = changed_scopes(made)
    return update_names(session, scopes, report) if scopes else []


def _without_updates(works: Iterable[ContainerWork]) -> list[ContainerWork]:
    """Return the changes that are made one by one: the tables of names are made of what is there after all of them."""
    left = [
        replace(one, changes=[change for change in one.changes if not isinstance(change, UpdateNames)]) for one in works
    ]
    return [one for one in left if one.changes]


def _after_templates(works: Iterable[ContainerWork]) -> list[ContainerWork]:
    """Let each container wait for the moves of the templates that it is cloned from."""
    known = list(works)
    moved = {
        change.rehoming.moid: work.id
        for work in known
        for change in work.changes
        if isinstance(change, changes.RehomeTemplate)
    }
    return [
        replace(
            work,
            after=work.after
            | {
                moved[change.image.moid]
                for change in work.changes
                if isinstance(change, changes.Clone) and change.image.moid in moved
            },
        )
        for work in known
    ]


def _explain(change: ContainerChange | MakeCall, error: GantryError) -> GantryError:
    # The messages of the guest and of the call are complete.
    return error if isinstance(error, StartupError) or isinstance(change, MakeCall) else explain(change, error)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the tables of names of running containers, when the containers of a task are as they are to be.

The tables are made of what is read then: addresses from DHCP are known, and containers that another task has created
meanwhile are seen. Of two tasks at the same time, each records the names of its containers before it reads those of all
others, and reads again after it has written. So whoever writes last knows both, and the tables become right without a
lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, MoveFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_names import UpdateNames
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import extra_config_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_names import table_values
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import (
    NamedContainer,
    NamesTable,
    make_tables,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_names import (
    read_named,
    warn_of_readonly,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_names import named_container
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Batch, Flow, Kind, Subject
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import FAILED, SubjectResult
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# How often the tables are made again because another task has changed something at the same time.
_ROUNDS = 5


def changed_scopes(changes: Iterable[ContainerChange]) -> frozenset[tuple[str, str]]:
    """Return where containers with names come, go or change: networks, within folders."""
    scopes: set[tuple[str, str]] = set()
    for change in changes:
        if isinstance(change, UpdateNames):
            scopes |= change.named.scopes
        for machine in (getattr(change, "machine", None), getattr(change, "target", None)):
            named = None if machine is None else named_container(machine)
            if named is not None:
                scopes |= named.scopes
                if isinstance(change, MoveFolder):
                    scopes |= {(change.folder.moid, network) for _folder, network in named.scopes}
    return frozenset(scopes)


def update_names(session: Session, scopes: frozenset[tuple[str, str]], report: Report) -> list[SubjectResult]:
    """Write the tables that differ; return what became of each container that got one."""
    results: dict[str, SubjectResult] = {}
    for _round in range(_ROUNDS):
        stale = stale_tables(session, scopes)
        warn_of_readonly(session, [one.named for one in stale])
        writes = [one for one in stale if one.named.writable and not _failed(results, one.named)]
        if not writes:
            break
        subjects = [Subject(write.named.moid, write.named.name, (write,)) for write in writes]
        batch: Batch[Subject] = Batch(session, report, {UpdateNames: Kind(partial(_write, session), limit=32)})
        results.update(zip((subject.id for subject in subjects), batch.run(subjects), strict=True))
    return list(results.values())


def stale_tables(session: Session, scopes: frozenset[tuple[str, str]]) -> list[UpdateNames]:
    """Return the tables that are to be written, as the containers are now."""
    inventory = session.inventory(vms=True, refresh=True)
    named = read_named(session, inventory, {folder for folder, _network in scopes})
    tables = make_tables(named)
    stale = [one for one in named if one.scopes & scopes and one.lacks(tables[one.moid])]
    return [UpdateNames(one.name, one, tables[one.moid]) for one in stale]


def names_at_start(subject: ContainerSubject, machine: Machine, planned: NamesTable) -> Flow[NamesTable]:
    """Return what a container finds from its start on. Others that it comes after have got their addresses by now."""
    own = named_container(machine)
    if own is None or not subject.after or not subject.bench.started:
        return planned
    started = yield from subject.bench.started_names()
    current = make_tables([*started, own])[own.moid]
    return NamesTable(tuple(sorted({**dict(planned.entries), **dict(current.entries)}.items())))


def _failed(results: Mapping[str, SubjectResult], one: NamedContainer) -> bool:
    return one.moid in results and results[one.moid].status == FAILED


def write_table(session: Session, update: UpdateNames) -> Job:
    """Return the job that gives a container its table."""
    vm = session.ref("VirtualMachine", update.named.moid)
    spec = extra_config_spec(table_values(update.table, update.named.table))
    return Job(update.named.name, "update the names of", lambda: vm.ReconfigVM_Task(spec))


def _write(session: Session, _subject: Subject, change: UpdateNames) -> Flow[None]:
    yield write_table(session, change)

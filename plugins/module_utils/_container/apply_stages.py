# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the VMs of new containers before all other changes, with a call in between.

What names VMs, such as DRS rules, is in effect then when they are started for the first time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import (
    ContainerSubject,
    ContainerWork,
    CreatedVm,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    ContainerChange,
    RehomeTemplate,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import AttachVolume
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch_result import DONE, SubjectResult
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

BETWEEN = "between the stages"
_CREATION = "creation of "


@dataclass(frozen=True)
class Interlude:
    """A call between the stages. It gets the MoIDs of the VMs that were created, by the names of their containers."""

    what: str
    call: Callable[[Mapping[str, str]], None]


@dataclass(frozen=True)
class MakeCall:
    """The change of a batch that makes the call."""

    interlude: Interlude
    created: Mapping[str, CreatedVm]

    def describe(self) -> str:
        return self.interlude.what


def make_call(_subject: ContainerSubject, change: MakeCall) -> Flow[None]:
    moids = {name: vm.moid for name, vm in change.created.items() if vm.moid is not None}
    # What it changes is recorded by what it calls.
    yield Job("", change.interlude.what, lambda: change.interlude.call(moids), mutates=False, has_task=False)


def in_stages(works: Iterable[ContainerWork]) -> Iterator[ContainerWork]:
    """Yield the works, those that create a VM divided; all other changes come after BETWEEN.

    To be created, no container waits for another one.
    """
    for work in works:
        creating = _creating(work.changes)
        others = work.changes[len(creating) :]
        later = work.after | {BETWEEN}
        if isinstance(work.changes[0], RehomeTemplate):
            yield work
        elif not creating:
            yield replace(work, after=later)
        elif not others:
            yield ContainerWork(work.id, work.name, creating)
        else:
            first = ContainerWork(_CREATION + work.id, work.name, creating)
            yield first
            yield replace(work, changes=others, after=later | {first.id}, creation=first.id)


def creations(works: Iterable[ContainerWork]) -> list[ContainerWork]:
    """Return those of the divided works that create a VM in the first stage."""
    return [work for work in works if BETWEEN not in work.after and isinstance(work.changes[0], Clone)]


def joined(works: Iterable[ContainerWork], results: Mapping[str, SubjectResult]) -> dict[str, SubjectResult]:
    """Return what became of each container as a whole."""
    known = list(works)
    divided = {work.creation for work in known}
    return {
        work.id: results[work.id] if work.creation is None else _join(results[work.creation], results[work.id])
        for work in known
        if work.id not in divided
    }


def _join(creation: SubjectResult, rest: SubjectResult) -> SubjectResult:
    return creation if creation.status != DONE else replace(rest, made=(*creation.made, *rest.made))


def _creating(changes: Sequence[ContainerChange]) -> Sequence[ContainerChange]:
    """Return the first of the changes, if they create the VM of a new container."""
    first = changes[0]
    if not isinstance(first, Clone) or first.is_successor:
        return ()
    return tuple(takewhile(lambda change: isinstance(change, Clone | AttachVolume), changes))

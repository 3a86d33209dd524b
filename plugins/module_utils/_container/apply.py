# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the changes of plans, many containers at a time.

The changes of one container are made in their order. Containers go in step: of all that have changes left the next
one is taken, and those of one kind are made together, so that many clones are many tasks under one wait, and many
starts are one call. A container that fails is left as it is, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container import (
    apply_power,
    apply_relocate,
    apply_vm,
    changes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import Run, Workbench
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.hints import combined

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_HANDLERS: dict[type[ContainerChange], Callable[[Workbench, Sequence[Run]], None]] = {
    changes.AwaitStatus: apply_power.await_status,
    changes.Clone: apply_vm.clone,
    changes.Destroy: apply_vm.destroy,
    changes.MoveFolder: apply_vm.move_folder,
    changes.MovePool: apply_vm.move_pool,
    changes.PowerOn: apply_power.power_on,
    changes.Promote: apply_vm.promote,
    changes.Reconfigure: apply_vm.reconfigure,
    changes.Relocate: apply_relocate.relocate,
    changes.Stop: apply_power.stop,
}


def apply_changes(session: Session, planned: Iterable[ContainerChange], report: Report) -> None:
    """Make the changes; raises, when all is over, what failed."""
    runs: dict[str, Run] = {}
    for change in planned:
        runs.setdefault(change.container, Run([])).changes.append(change)
    bench = Workbench(session, report)
    while active := [run for run in runs.values() if run.changes and run.error is None]:
        _step(bench, active)
    errors = [run.error for run in runs.values() if run.error is not None]
    if errors:
        raise combined(errors)


def _step(bench: Workbench, runs: Sequence[Run]) -> None:
    """The next change of each, those of one kind together."""
    by_kind: dict[type[ContainerChange], list[Run]] = {}
    for run in runs:
        by_kind.setdefault(type(run.changes[0]), []).append(run)
    for kind, group in by_kind.items():
        for run in group:
            bench.report(run.changes[0].describe())
        _HANDLERS[kind](bench, group)
        for run in group:
            del run.changes[0]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers on their way through their changes, and the requests that all kinds of changes need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.hints import explain
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import NEW
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_DEVICES = "config.hardware.device"


@dataclass
class Run:
    """One container on its way through its changes."""

    changes: list[ContainerChange]
    created: str | None = None
    error: GantryError | None = None

    def change(self, kind: type[Any]) -> Any:
        """The change that is being made, which is of this kind."""
        change = self.changes[0]
        if not isinstance(change, kind):
            raise TypeError(f"{change.describe()} is not a {kind.__name__}")
        return change

    def moid(self, machine: Machine) -> str:
        """The MoID of a planned machine; what the plan itself creates has one only since it was created."""
        if machine.moid != NEW:
            return machine.moid
        if self.created is None:
            raise ValueError(f"{machine.name} is changed before it is created")
        return self.created

    def fail(self, error: GantryError) -> None:
        self.error = explain(self.changes[0], error)


class Workbench:
    """The session, with what the handlers of changes have in common."""

    def __init__(self, session: Session, report: Report) -> None:
        self.session = session
        self.report = report

    def vm(self, moid: str) -> Any:
        return self.session.ref("VirtualMachine", moid)

    def tasks(self, runs: Sequence[Run], jobs: Sequence[Job]) -> list[Any]:
        """Run one job for each run; what it gives, or None where it failed, and then the run has the error."""
        results = []
        for run, outcome in zip(runs, self.session.run(jobs, self.report), strict=True):
            if outcome.error is not None:
                run.fail(outcome.error)
            results.append(outcome.result if outcome.error is None else None)
        return results

    def each(self, runs: Sequence[Run], kind: type[Any], action: str, start: Callable[[Any, Any], Any]) -> None:
        """One task for each run, on the machine of its change."""

        def starter(run: Run) -> Callable[[], Any]:
            change = run.change(kind)
            return lambda: start(self.vm(run.moid(change.machine)), change)

        self.tasks(runs, [Job(run.change(kind).machine.name, action, starter(run)) for run in runs])

    def devices(self, moids: Iterable[str]) -> dict[str, Sequence[Any]]:
        refs = [self.vm(moid) for moid in sorted(set(moids))]
        if not refs:
            return {}
        return {row.moid: row.get(_DEVICES) or () for row in self.session.read(refs, [_DEVICES])}

    def values(self, moids: Sequence[str], key: str) -> dict[str, str]:
        """What one key of extraConfig is for each VM that has it."""
        path = keys.option_path(key)
        rows = self.session.read([self.vm(moid) for moid in moids], [path])
        return {row.moid: str(getattr(row[path], "value", row[path])) for row in rows if row.get(path) is not None}

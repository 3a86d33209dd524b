# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module in this process, and kill it between two of its changes.

It is not run by ansible-playbook, because there is one run for each change to be killed at.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import ConnectionSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stub import _may_change
from tests.support.lab.containers import VmBuilder


class KilledError(BaseException):
    """A simulated kill of the process, which no code catches."""


@dataclass(frozen=True)
class Kill:
    """When a run is killed: right after a number of mutating requests, or right before the next one."""

    after: int
    at_once: bool

    def is_due(self, session: Session, method: str) -> bool:
        return session.stub.changes >= self.after and (self.at_once or _may_change(method))


@dataclass
class Recorded:
    """No kill, but what it could be before or after: the mutating requests, each with the number of those before it."""

    requests: list[tuple[int, str]] = field(default_factory=list)

    def is_due(self, session: Session, method: str) -> bool:
        if _may_change(method):
            self.requests.append((session.stub.changes, method))
        return False

    def numbers(self, method: str) -> list[int]:
        return [number for number, one in self.requests if one == method]


def run_until_killed(
    operation: Operation[Any, Any, Any], options: Mapping[str, Any], kill: Kill | Recorded | None = None
) -> int | None:
    """Run a module; return the number of its mutating requests, or None if it was killed."""
    checked = ArgumentSpecValidator(dict(operation.argument_spec)).validate(dict(options))
    assert not checked.error_messages
    desired = operation.desire(checked.validated_parameters)
    session = Session(ConnectionSettings.from_params(checked.validated_parameters))
    send = session.stub.InvokeMethod

    def invoke(mo: Any, info: Any, *args: Any) -> Any:
        if kill is not None and kill.is_due(session, info.wsdlName):
            raise KilledError
        return send(mo, info, *args)

    session.stub.InvokeMethod = invoke  # type: ignore[method-assign]
    try:
        observed = operation.observe(session, desired)
        plan = operation.plan(desired, observed)
        if plan.changed:
            operation.apply(session, desired, observed, plan, lambda _text: None)
        session.close()
    except KilledError:
        session.stub.DropConnections()
        return None
    return session.stub.changes


def await_tasks(builder: VmBuilder) -> None:
    """Wait until vCenter has done what the killed run has submitted: meanwhile the next run is told to run again."""
    deadline = time.monotonic() + 60
    while any(task.info.state in ("queued", "running") for task in builder.session.content.taskManager.recentTask):
        assert time.monotonic() < deadline

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the four steps of a task, in a module's process or in an action plugin."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

SessionSource = Callable[[Mapping[str, Any]], AbstractContextManager["Session"]]


@dataclass(frozen=True)
class _Done:
    """What a task that failed had done before."""

    changed: bool = False
    submitted: tuple[dict[str, str], ...] = ()


def outcome(
    operation: Operation[Any, Any, Any],
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    diff_mode: bool,
    session_source: SessionSource,
    report: Report,
    verbosity: int,
) -> dict[str, Any]:
    """Run the operation and return the result of the task. A failure is a result too, without a traceback."""
    done = _Done()
    try:
        desired = operation.desire(params)
        with session_source(params) as session:
            try:
                result, plan = _steps(operation, session, desired, check_mode, report)
            finally:
                done = _Done(session.has_changed, tuple(session.submitted))
            warnings = [*result.pop("warnings", []), *session.warnings]
    except GantryError as error:
        return _failure(error.as_result(), done)
    except Exception as error:  # noqa: BLE001 - a defect of ours is reported like any failure
        return _failure(_defect(operation, error, verbosity), done)
    result |= {"changed": plan.changed, "actions": plan.actions()}
    if diff_mode:
        result["diff"] = plan.diff()
    if warnings:
        result["warnings"] = warnings
    return result


def _steps(
    operation: Operation[Any, Any, Any], session: Session, desired: Any, check_mode: bool, report: Report
) -> tuple[dict[str, Any], Plan[Any]]:
    """Observe, plan and apply; return the operation's own part of the result, and the plan."""
    observed, plan = _observe_and_plan(operation, session, desired)
    if plan.changed and check_mode:
        observed = operation.predict(desired, observed, plan)
    elif plan.changed:
        observed = operation.apply(session, desired, observed, plan, report)
    return dict(operation.result(desired, observed)), plan


def _observe_and_plan(operation: Operation[Any, Any, Any], session: Session, desired: Any) -> tuple[Any, Plan[Any]]:
    """Observe and plan. What a task before has read is good enough to find nothing to do, and for nothing else."""
    if isinstance(operation, InfoOperation):
        session.forget_inventory()
    try:
        observed = operation.observe(session, desired)
        plan = operation.plan(desired, observed)
    except GantryError:
        if not session.uses_old_inventory:
            raise
    else:
        if not plan.changed or not session.uses_old_inventory:
            return observed, plan
    session.forget_inventory()
    observed = operation.observe(session, desired)
    return observed, operation.plan(desired, observed)


def _failure(result: Mapping[str, Any], done: _Done) -> dict[str, Any]:
    # What was submitted to vCenter before the failure is done or still running.
    failure = {**result, "failed": True, "changed": done.changed}
    if done.submitted:
        failure["submitted"] = list(done.submitted)
    return failure


def _defect(operation: Operation[Any, Any, Any], error: Exception, verbosity: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "msg": (
            f"{operation.name} failed with an unexpected error: {type(error).__name__}: {error}. "
            "This is a defect of the module. Report it with the output of -vvv."
        )
    }
    if verbosity >= 3:
        # Not as "exception": newer versions of ansible-core show that by a setting of their own.
        result["traceback"] = traceback.format_exc()
    return result

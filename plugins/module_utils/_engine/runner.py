# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the four steps of a task, the same in a module's process and in an action plugin."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.memory import collecting_rarely
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect, InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

SessionSource = Callable[[Mapping[str, Any]], AbstractContextManager["Session"]]


@dataclass(frozen=True)
class _Done:
    """The progress of a task, reported if it fails."""

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
    """Run the operation and return the task's result. A failure is a result too: users get no traceback by default."""
    done = _Done()
    try:
        desired = operation.desire(params)
        if check_mode and not operation.supports_check_mode:
            return _skipped(operation)
        with session_source(params) as session, collecting_rarely():
            try:
                result, plan = _steps(operation, session, desired, check_mode, report)
            finally:
                done = _Done(session.has_changed, tuple(session.submitted))
            warnings = [*result.pop("warnings", []), *session.warnings]
    except GantryError as error:
        return _failure(error.as_result(), done)
    except Exception as error:  # noqa: BLE001 - the last resort, for defects of the collection
        return _failure(_defect(operation, error, verbosity), done)
    result |= {"changed": plan.changed, "actions": plan.actions()}
    effects = operation.effects(plan)
    if effects is not None:
        result["effects"] = [{**asdict(effect), "options": list(effect.options)} for effect in effects]
    if diff_mode:
        result["diff"] = plan.diff()
        if effects:
            result["diff"]["after_header"] = _summary(effects)
    if warnings:
        result["warnings"] = warnings
    return result


def _steps(
    operation: Operation[Any, Any, Any], session: Session, desired: Any, check_mode: bool, report: Report
) -> tuple[dict[str, Any], Plan[Any]]:
    """Run the steps and return the operation's own part of the result."""
    observed, plan = _look(operation, session, desired)
    summary = operation.summary(desired, observed, plan)
    if plan.changed and check_mode:
        observed = operation.predict(desired, observed, plan)
    elif plan.changed:
        # A worker of Ansible sends messages to another process, which knows only plain text.
        observed = operation.apply(session, desired, observed, plan, lambda message: report(str(message)))
    return {**operation.result(desired, observed), **summary}, plan


def _look(operation: Operation[Any, Any, Any], session: Session, desired: Any) -> tuple[Any, Plan[Any]]:
    """Observe and plan; any plan with changes is based on vCenter's current state."""
    if isinstance(operation, InfoOperation):
        session.forget_inventory()
    try:
        observed = operation.observe(session, desired)
        plan = operation.plan(desired, observed)
    except GantryError:
        if not session.uses_earlier_inventory:
            raise
    else:
        if not plan.changed or not session.uses_earlier_inventory:
            return observed, plan
    session.forget_inventory()
    observed = operation.observe(session, desired)
    return observed, operation.plan(desired, observed)


def _summary(effects: Sequence[Effect]) -> str:
    """Return the effects as text, those that are the same together: ``web-1, web-2 restarted (env)``."""
    names: dict[str, list[str]] = {}
    for one in effects:
        reason = f" ({', '.join(one.options)})" if one.options else ""
        names.setdefault(f"{one.effect}{reason}", []).append(one.name)
    return "; ".join(f"{listed(same)} {effect}" for effect, same in names.items())


def _skipped(operation: Operation[Any, Any, Any]) -> dict[str, Any]:
    return {
        "skipped": True,
        "changed": False,
        "msg": f"{operation.name} does not support check mode, so the task is skipped.",
    }


def _failure(result: Mapping[str, Any], done: _Done) -> dict[str, Any]:
    # Requests that vCenter has accepted are done or running: the user needs to know them before the next run.
    failure = {**result, "failed": True, "changed": done.changed}
    if done.submitted:
        failure["submitted"] = list(done.submitted)
    return failure


def _defect(operation: Operation[Any, Any, Any], error: Exception, verbosity: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "msg": (
            f"{operation.name} met an error that it does not know: {type(error).__name__}: {error}. "
            "This is a defect of the module: please report it with what -vvv shows."
        )
    }
    if verbosity >= 3:
        # Not as "exception": newer versions of ansible-core show that depending on a setting.
        result["traceback"] = traceback.format_exc()
    return result

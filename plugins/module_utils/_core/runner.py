# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The four steps of a task, the same in a module's process and in an action plugin."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._core.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._core.operation import Operation, Report

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

SessionSource = Callable[[Mapping[str, Any]], AbstractContextManager["Session"]]


def run_operation(
    operation: Operation[Any, Any, Any],
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    diff_mode: bool,
    session_source: SessionSource,
    report: Report,
) -> dict[str, Any]:
    """Run the operation; the result of the task. Raises what the operation raises."""
    desired = operation.desire(params)
    with session_source(params) as session:
        observed = operation.observe(session, desired)
        plan = operation.plan(desired, observed)
        if plan.changed:
            if check_mode:
                observed = operation.predict(desired, observed, plan)
            else:
                try:
                    observed = operation.apply(session, desired, observed, plan, report)
                except GantryError as error:
                    # What vCenter was already told to do is done or under way: the next run needs to know.
                    if session.submitted:
                        error.details.setdefault("changed", True)
                        error.details.setdefault("submitted", list(session.submitted))
                    raise
        result: dict[str, Any] = {**operation.result(desired, observed), "changed": plan.changed}
        warnings = [*result.get("warnings", []), *session.warnings]
    result["actions"] = plan.actions()
    if diff_mode:
        result["diff"] = plan.diff()
    if warnings:
        result["warnings"] = warnings
    return result


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
    """As run_operation, but a failure is a result with ``failed`` and ``msg``: no traceback reaches a user."""
    try:
        return run_operation(
            operation,
            params,
            check_mode=check_mode,
            diff_mode=diff_mode,
            session_source=session_source,
            report=report,
        )
    except GantryError as error:
        return {"changed": False, **error.as_result(), "failed": True}
    except Exception as error:  # noqa: BLE001 - the last line of defence, for defects of ours
        failure: dict[str, Any] = {
            "changed": False,
            "failed": True,
            "msg": (
                f"{operation.name} met an error that it does not know: {type(error).__name__}: {error}. "
                "This is a defect of the module: please report it with what -vvv shows."
            ),
        }
        if verbosity >= 3:
            # Not as "exception": newer versions of ansible-core show that by a setting of their own.
            failure["traceback"] = traceback.format_exc()
        return failure

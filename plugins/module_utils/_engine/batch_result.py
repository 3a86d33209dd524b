# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each subject of a batch, and the one error that reports those that failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed

DONE = "done"
FAILED = "failed"
NOT_STARTED = "not_started"
# Reasons in the message; all of them are in the details.
_MOST_REASONS = 10


@dataclass(frozen=True)
class SubjectResult:
    """``made`` are the changes that were made, as they were described."""

    name: str
    status: str
    made: tuple[str, ...] = ()
    error: GantryError | None = None

    def as_result(self) -> dict[str, Any]:
        own: dict[str, Any] = {"name": self.name, "status": self.status, "actions": list(self.made)}
        # An error may describe the state of what failed in facts of the same names.
        return own if self.error is None else {"fault": None, **self.error.as_result(), **own}


def raise_failures(results: Sequence[SubjectResult], noun: str) -> None:
    """Raise one error if any subject is not done. ``noun``: what the subjects are, in the plural."""
    failed = [result for result in results if result.error is not None and result.status == FAILED]
    if not failed:
        return
    if len(results) == 1:
        raise _error_of(failed[0])
    skipped = [result for result in results if result.status == NOT_STARTED]
    done = len(results) - len(failed) - len(skipped)
    parts = [f"{done} of {len(results)} {noun} are done, {len(failed)} failed."]
    parts += [_reason(result) for result in failed[:_MOST_REASONS]]
    if len(failed) > _MOST_REASONS:
        parts.append(
            f"{len(failed) - _MOST_REASONS} more failed: {listed(one.name for one in failed[_MOST_REASONS:])}."
        )
    if skipped:
        parts.append(f"Not started, because they come after one that failed: {listed(one.name for one in skipped)}.")
    parts.append("Run again to finish them.")
    raise GantryError(
        " ".join(parts),
        fault=failed[0].error.fault if failed[0].error is not None else None,
        details={"subjects": [result.as_result() for result in results]},
    )


def _error_of(result: SubjectResult) -> GantryError:
    if result.error is None:
        raise ValueError(f"{result.name} did not fail")
    return result.error


def _reason(result: SubjectResult) -> str:
    message = _error_of(result).message.rstrip(".")
    return f"{message}." if result.name in message else f"{result.name}: {message}."

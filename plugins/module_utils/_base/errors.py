# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only exception that reaches a user. Its message says what was requested, what was found, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class GantryError(Exception):
    """A failure with a message for the user.

    ``fault`` is the vCenter fault behind it, as ``{"type": ..., "message": ...}``.
    ``details`` are additional facts, returned together with the message.
    """

    def __init__(
        self,
        message: str,
        *,
        fault: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fault: dict[str, Any] | None = dict(fault) if fault is not None else None
        self.details: dict[str, Any] = dict(details or {})

    def as_result(self) -> dict[str, Any]:
        """Return the keys that this error adds to a failed task's result."""
        result: dict[str, Any] = {**self.details, "msg": self.message}
        if self.fault is not None:
            result["fault"] = self.fault
        return result


def raise_all(problems: Sequence[GantryError]) -> None:
    """Raise one error for all problems; a problem that several objects share is reported once."""
    if not problems:
        return
    messages = list(dict.fromkeys(problem.message for problem in problems))
    if len(messages) == 1:
        raise problems[0]
    raise GantryError(
        f"{len(messages)} problems were found, and nothing was changed. {' '.join(messages)}",
        details={"problems": messages},
    )

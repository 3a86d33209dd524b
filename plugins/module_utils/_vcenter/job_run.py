# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One job on its way: what is known of it and of its task, and how it is reported if it does not end. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, JobOutcome


@dataclass(eq=False)
class JobRun:
    """A job on its way."""

    job: Job
    outcome: JobOutcome
    attempts: int = 0
    not_before: float = 0.0
    started: float = 0.0
    info: dict[str, Any] = field(default_factory=dict)  # what is known of its task


def unfinished(run: JobRun, why: str) -> GantryError:
    if not run.outcome.task:
        return GantryError(f"{run.job}: {why}. It was not started.")
    return GantryError(
        f"{run.job}: {why}. It was submitted as {run.outcome.task} and vCenter goes on with it: "
        "run again to see how it ended."
    )


def removed(run: JobRun) -> GantryError:
    """Return the error of a job whose task vCenter has removed, and does not have in its history."""
    return GantryError(
        f"{run.job}: vCenter has removed the task {run.outcome.task}, as it does some minutes after the end of a task, "
        "and its history does not have the task. Run again to see how it ended."
    )


def learn(info: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Take over what news say of a task: its whole info, or parts of it."""
    for name, value in values.items():
        if name == "info":
            info.update({part: getattr(value, part) for part in ("state", "progress", "result", "error")})
        else:
            info[name.removeprefix("info.")] = value

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs that wait to be started: those that claim the same are in one line, so that each line is looked at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.job_run import JobRun
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import ResourceClaim, Slots


class JobQueue:
    """Jobs in the order in which they came, each line for itself. A job that is to start later is in no line yet."""

    def __init__(self) -> None:
        self._lines: dict[tuple[ResourceClaim, ...], deque[JobRun]] = {}
        self._later: list[JobRun] = []

    def __bool__(self) -> bool:
        return bool(self._lines or self._later)

    def __iter__(self) -> Iterator[JobRun]:
        for line in self._lines.values():
            yield from line
        yield from self._later

    @property
    def has_line(self) -> bool:
        """Return whether a job could start if the limits allowed."""
        return bool(self._lines)

    def times(self) -> list[float]:
        """Return when the jobs that are to start later may start."""
        return [run.not_before for run in self._later]

    def add(self, run: JobRun) -> None:
        if run.not_before:
            self._later.append(run)
        else:
            self._lines.setdefault(run.job.claims, deque()).append(run)

    def take(self, slots: Slots, now: float) -> list[JobRun]:
        """Remove and return the jobs that the limits let start now; they take their slots."""
        due = [run for run in self._later if run.not_before <= now]
        self._later = [run for run in self._later if run.not_before > now]
        for run in due:
            self._lines.setdefault(run.job.claims, deque()).append(run)
        taken: list[JobRun] = []
        for claims, line in list(self._lines.items()):
            while line and slots.fits(line[0].job):
                run = line.popleft()
                slots.take(run.job)
                taken.append(run)
            if not line:
                del self._lines[claims]
        return taken

    def clear(self) -> None:
        self._lines.clear()
        self._later.clear()

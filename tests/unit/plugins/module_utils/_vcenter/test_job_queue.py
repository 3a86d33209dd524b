# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test in which order jobs leave the queue, within limits, and that many of them are not looked at again and again."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.job_queue import JobQueue
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.job_run import JobRun
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import (
    Job,
    JobOutcome,
    ResourceClaim,
    Slots,
)

HOST = (ResourceClaim("host", 1, 2),)
NOW = 100.0


def run_of(name: str, claims: tuple[ResourceClaim, ...] = (), not_before: float = 0.0) -> JobRun:
    job = Job(name, "clone", lambda: None, claims=claims)
    return JobRun(job, JobOutcome(job), not_before=not_before)


def queue_of(*runs: JobRun) -> JobQueue:
    queue = JobQueue()
    for run in runs:
        queue.add(run)
    return queue


def names(runs: list[JobRun]) -> list[str]:
    return [run.job.subject for run in runs]


def test_a_full_line_does_not_hold_up_the_others() -> None:
    queue = queue_of(*(run_of(f"host-{number}", HOST) for number in range(3)), run_of("free"))
    slots = Slots(10)
    taken = queue.take(slots, NOW)
    assert names(taken) == ["host-0", "host-1", "free"]
    assert (bool(queue), queue.has_line, names(list(queue))) == (True, True, ["host-2"])
    assert queue.take(slots, NOW) == []
    slots.release(taken[0].job)
    assert names(queue.take(slots, NOW)) == ["host-2"]
    assert not queue


def test_the_total_limits_all_lines() -> None:
    queue = queue_of(run_of("a"), run_of("b", HOST), run_of("c"))
    assert names(queue.take(Slots(2), NOW)) == ["a", "c"]


def test_a_job_that_is_to_start_later_joins_its_line_then() -> None:
    queue = queue_of(run_of("later", not_before=NOW + 1), run_of("now"))
    slots = Slots(10)
    assert names(queue.take(slots, NOW)) == ["now"]
    assert (queue.times(), queue.has_line, bool(queue)) == ([NOW + 1], False, True)
    assert names(queue.take(slots, NOW + 1)) == ["later"]
    assert (queue.times(), bool(queue)) == ([], False)


class CountedSlots(Slots):
    """Slots that count how often a job was looked at."""

    looks = 0

    def fits(self, job: Job) -> bool:
        self.looks += 1
        return super().fits(job)


def test_a_line_is_looked_at_once() -> None:
    queue, slots = queue_of(*(run_of(str(number), HOST) for number in range(1000))), CountedSlots(10)
    taken = queue.take(slots, NOW)
    assert len(taken) == 2
    while taken:
        slots.release(taken.pop().job)
        taken += queue.take(slots, NOW)
    assert not queue
    assert slots.looks < 2500

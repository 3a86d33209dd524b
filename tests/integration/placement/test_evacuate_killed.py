# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the playbook evacuate killed at random points: the next run continues, and all hosts and VMs run afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.containers import PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.killed import PARTS, KillablePlaybook, random_points
from tests.support.lab.placement import Site

HOSTS = ["esx4", "esx5"]
VMS = [f"{PREFIX}{number}" for number in range(2)]
ENTER, LEAVE = "EnterMaintenanceMode_Task", "ExitMaintenanceMode_Task"
# How long a host takes to enter and to leave, so that some of the points are in the middle of it.
DELAY_SECONDS = 0.8


@pytest.fixture
def site(lab: dict[str, Any], builder: VmBuilder, calls: Control) -> Iterator[Site]:
    one = Site(lab, builder, calls)
    one.clear()
    yield one
    calls.reset()
    for host in HOSTS:
        one.ok("host_maintenance", host=host, state="absent")
    one.clear()


def slow(site: Site) -> None:
    """Forget all calls, and let each host take its time."""
    site.calls.reset()
    for method in (ENTER, LEAVE):
        site.calls.fault(method, delay_seconds=DELAY_SECONDS, in_task=True, count=100)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", PARTS)
def test_a_killed_run_is_continued(site: Site, tmp_path: Path, operator: dict[str, str], part: int) -> None:
    site.make(*VMS, host=HOSTS[0])
    rolling = KillablePlaybook(
        tmp_path, operator, {"evacuate_cluster": "C1", "evacuate_action": "rolling"}, "evacuate.yml"
    )
    slow(site)
    rolling.play()
    whole = len(site.calls.all())
    interrupted = 0
    for point in random_points(part):
        slow(site)
        rolling.kill_after(int(point * whole), site.calls)
        interrupted += any(site.in_maintenance(host) for host in HOSTS)
        site.calls.reset()
        output = rolling.play()
        where = f"killed at {point:.2f} of {whole} requests:\n{output}"
        assert [site.in_maintenance(host) for host in HOSTS] == [False, False], where
        assert {site.builder.vm(name).power for name in VMS} == {"poweredOn"}, where
        # Never both at the same time: each host leaves before the next one enters.
        steps = [name for name in site.calls.methods() if name in (ENTER, LEAVE)]
        assert all(first != second for first, second in itertools.pairwise(steps)), where
        assert steps[-1] == LEAVE, where
    assert interrupted > 0, "no point was during maintenance"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the log of a container is read complete and in order while it is written, and while the container moves."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.vcenter import find, session
from tests.support.lab.drive import drive

KEY = "key-of-the-moving-log"
LINES = 100_000
# In parts, so that the moves fall between them: seq writes faster than a log is read.
SCRIPT = f"""
for part in 0 1 2 3 4; do
    seq $((part * {LINES // 5} + 1)) $(((part + 1) * {LINES // 5}))
    sleep 2
done
echo that is all >&2
exec sleep 100000
"""


def _move_twice(lab: Any, name: str) -> None:
    """Move the container to another host and back."""
    with session(lab) as content:
        here = find(content, vim.VirtualMachine, name).runtime.host.name
    other = next(host for host in lab["hosts"] if host != here)
    for host in (other, here):
        moved = drive(
            "vm_vmotion", {**lab["vcenter"], "vms": [name], "host": host, "mode": "live", "timeout": PATIENCE}
        )
        assert [vm["status"] for vm in moved.get("vms", ())] == ["moved"], moved


def test_log_of_a_moving_container(containers: Containers, name: str) -> None:
    options = {"image": "tiny", "entrypoint": ["/bin/sh", "-c"], "command": [SCRIPT], "stop_timeout": 1}
    containers.run(name, guest_operations=True, guest_key=KEY, log_max_size="16M", **options)
    numbers: list[int] = []
    positions: dict[str, str] = {}
    deadline = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(_move_twice, containers.lab, name)
        while len(numbers) < LINES or not moving.done():
            assert time.monotonic() < deadline, (len(numbers), moving)
            asked = {"name": [name], "guest_key": KEY, "streams": ["stdout"], "positions": positions}
            read = drive("container_vm_logs", {**containers.lab["vcenter"], **asked})
            assert "failed" not in read, read
            (log,) = read["logs"]
            assert not log["lost"]
            numbers += [int(line) for line in log["lines"]]
            positions = read["positions"]
        moving.result()
    assert numbers == list(range(1, LINES + 1))
    last: list[str] = []
    # It is written two seconds after the last number.
    while last != ["that is all"]:
        assert time.monotonic() < deadline, last
        asked = {"name": [name], "guest_key": KEY, "tail": 1}
        last = drive("container_vm_logs", {**containers.lab["vcenter"], **asked})["logs"][0]["lines"]

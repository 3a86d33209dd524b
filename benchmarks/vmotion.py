# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare moving 20 VMs to another host with the same moves by community.vmware.vmware_vmotion in a loop.

Both run alternately against one lab vCenter with 500 other VMs, each with a second run that changes nothing. The VMs
are powered off. The lab's moves take no time and it has no latency, which favors the module with more requests.
vm_vmotion also checks each move before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from benchmarks.playing import Bench, Task, bench

VMS = 20
OTHERS = 500
RUNS = 3

_NAMES = [f"bench-{number}" for number in range(VMS)]


@dataclass
class Side:
    """A module under test, with its costs and numbers of requests."""

    task: Task
    moves: list[Cost] = field(default_factory=list)
    again: list[Cost] = field(default_factory=list)
    requests: int = 0
    requests_again: int = 0


def _ours() -> Task:
    return {"gantry.vsphere.vm_vmotion": {"vms": _NAMES, "host": "{{ target }}"}}


def _peers(one: Bench) -> Task:
    options: dict[str, Any] = {**one.peers_connection(), "vm_name": "{{ item }}", "destination_host": "{{ target }}"}
    return {"community.vmware.vmware_vmotion": options, "loop": _NAMES}


def _measure(one: Bench, side: Side, target: str) -> None:
    command = one.playbook("play", [side.task], {"target": target})
    one.control.forget()
    side.moves.append(cost_of(command, one.environment))
    side.requests = len(one.control.methods())
    one.control.forget()
    side.again.append(cost_of(command, one.environment))
    side.requests_again = len(one.control.methods())


def main() -> None:
    with bench() as one:
        first, *others = one.info["hosts"]
        ours, peers = Side(_ours()), Side(_peers(one))
        one.control.add_vms(VMS, "bench-")
        one.control.add_vms(OTHERS, "idle-")
        cost_of(one.playbook("play", [ours.task], {"target": first}), one.environment)
        for _run in range(RUNS):
            for side, target in zip((ours, peers), others, strict=True):
                _measure(one, side, target)
    move, peer_move = medians(ours.moves), medians(peers.moves)
    again, peer_again = medians(ours.again), medians(peers.again)
    report(
        "vmotion",
        [
            (f"vm_vmotion, {VMS} VMs, wall seconds", move.wall),
            (f"vmware_vmotion, {VMS} VMs, wall seconds", peer_move.wall),
            ("vm_vmotion, requests", ours.requests),
            ("vmware_vmotion, requests", peers.requests),
            ("vm_vmotion, nothing to do, requests", ours.requests_again),
            ("vmware_vmotion, nothing to do, requests", peers.requests_again),
            ("wall, vmware_vmotion / vm_vmotion", peer_move.wall / move.wall),
            ("CPU, vmware_vmotion / vm_vmotion", peer_move.cpu / move.cpu),
            ("requests, vmware_vmotion / vm_vmotion", peers.requests / ours.requests),
            ("nothing to do, wall, vmware_vmotion / vm_vmotion", peer_again.wall / again.wall),
        ],
    )


if __name__ == "__main__":
    main()

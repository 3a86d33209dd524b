# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""20 VMs moved to another host, beside the same moves with community.vmware.vmware_vmotion in a loop.

Both against one lab vCenter that has 500 other VMs, in turn, each with a second run that finds nothing to do. The VMs
are off. The lab's moves take no time and it answers at once, which favours the side with more requests; ours checks
each move before.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from lab.controller import Lab

VMS = 20
OTHERS = 500
RUNS = 3

_NAMES = [f"bench-{number}" for number in range(VMS)]


@dataclass
class Side:
    """What one of the two costs, and how often it asks."""

    task: Mapping[str, Any]
    moves: list[Cost] = field(default_factory=list)
    again: list[Cost] = field(default_factory=list)
    requests: int = 0
    requests_again: int = 0


def _ours() -> dict[str, Any]:
    return {"gantry.vsphere.vm_vmotion": {"vms": _NAMES, "host": "{{ target }}"}}


def _peers(info: Mapping[str, Any]) -> dict[str, Any]:
    vcenter = info["vcenter"]
    return {
        "community.vmware.vmware_vmotion": {
            "hostname": vcenter["hostname"],
            "port": vcenter["port"],
            "username": vcenter["username"],
            "password": vcenter["password"],
            "validate_certs": False,
            "vm_name": "{{ item }}",
            "destination_host": "{{ target }}",
        },
        "loop": _NAMES,
    }


def _control(info: Mapping[str, Any], method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(info["control"] + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        text = answer.read()
    return json.loads(text) if text.strip() else None


def _play(folder: Path, task: Mapping[str, Any], target: str) -> list[str]:
    playbook = folder / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    program = str(Path(sys.executable).parent / "ansible-playbook")
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "target": target,
    }
    return [program, "-i", "localhost,", "-e", json.dumps(variables), str(playbook)]


def _measure(info: Mapping[str, Any], folder: Path, environment: Mapping[str, str], side: Side, target: str) -> None:
    command = _play(folder, side.task, target)
    _control(info, "DELETE", "/v1/calls")
    side.moves.append(cost_of(command, environment))
    side.requests = len(_control(info, "GET", "/v1/calls")["calls"])
    _control(info, "DELETE", "/v1/calls")
    side.again.append(cost_of(command, environment))
    side.requests_again = len(_control(info, "GET", "/v1/calls")["calls"])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
        folder = Path(directory)
        lab = Lab(folder / "lab", {"hypervisor": "none", "ports": "free", "publish": {}, "images": []}, bound=True)
        info = lab.up()
        vcenter = info["vcenter"]
        # Empty: nothing of the machine's own settings takes part.
        (folder / "ansible.cfg").touch()
        environment = {
            "VMWARE_HOST": vcenter["hostname"],
            "VMWARE_PORT": str(vcenter["port"]),
            "VMWARE_USER": vcenter["username"],
            "VMWARE_PASSWORD": vcenter["password"],
            "VMWARE_CA_PATH": vcenter["ca_path"],
            "XDG_CACHE_HOME": str(folder / "cache"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        }
        first, *others = info["hosts"]
        ours, peers = Side(_ours()), Side(_peers(info))
        try:
            _control(info, "POST", "/v1/vms", {"count": VMS, "prefix": "bench-"})
            _control(info, "POST", "/v1/vms", {"count": OTHERS, "prefix": "idle-"})
            cost_of(_play(folder, ours.task, first), environment)
            for _run in range(RUNS):
                for side, target in zip((ours, peers), others, strict=True):
                    _measure(info, folder, environment, side, target)
        finally:
            lab.down()
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

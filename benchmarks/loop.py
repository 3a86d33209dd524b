# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a loop of container_vm over 50 unchanged containers with the same loop of community.vmware.vmware_guest.

Both run alternately against one lab vCenter with 500 other VMs. A loop of debug measures the cost of Ansible itself.
The lab has no latency, which favors the module with more requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from benchmarks.playing import Bench, bench
from tests.support.lab.iso import make_iso

ITEMS = 50
OTHERS = 500
RUNS = 3

_NAMES = [f"bench-{number:02}" for number in range(ITEMS)]


def _ours(info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "gantry.vsphere.container_vm": {
            "name": "{{ item }}",
            "image": info["images"]["tiny"],
            "networks": [{"name": "VM Network"}],
            "state": "present",
        },
        "loop": _NAMES,
    }


def _peers(one: Bench) -> dict[str, Any]:
    return {
        "community.vmware.vmware_guest": {
            **one.peers_connection(),
            "datacenter": one.info["datacenter"],
            "folder": f"/{one.info['datacenter']}/vm",
            "name": "{{ item }}",
            "state": "present",
        },
        "loop": _NAMES,
    }


def _prepare(one: Bench) -> None:
    iso = make_iso(one.folder, "0")
    tasks = [
        {"gantry.vsphere.bootstrap_image": {"src": str(iso)}},
        {"gantry.vsphere.container_image": {"name": one.info["images"]["tiny"], "registry_tls_verify": False}},
        _ours(one.info),
    ]
    cost_of(one.playbook("prepare", tasks), one.environment)
    one.control.add_vms(OTHERS, "idle-")


def main() -> None:
    with bench(images=["tiny"]) as one:
        _prepare(one)
        floor_task = {"ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": _NAMES}
        sides: dict[str, tuple[list[str], list[Cost]]] = {
            "ours": (one.playbook("ours", [_ours(one.info)]), []),
            "vmware_guest": (one.playbook("peers", [_peers(one)]), []),
            "debug": (one.playbook("floor", [floor_task]), []),
        }
        for _run in range(RUNS):
            for command, costs in sides.values():
                costs.append(cost_of(command, one.environment))
    ours, peers, floor = (medians(costs) for _command, costs in sides.values())
    report(
        "loop",
        [
            ("container_vm, wall seconds", ours.wall),
            ("vmware_guest, wall seconds", peers.wall),
            ("debug, wall seconds (Ansible's own cost)", floor.wall),
            ("wall, vmware_guest / container_vm", peers.wall / ours.wall),
            ("CPU, vmware_guest / container_vm", peers.cpu / ours.cpu),
        ],
    )


if __name__ == "__main__":
    main()

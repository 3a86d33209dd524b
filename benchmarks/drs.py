# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare one drs_ruleset that creates 35 DRS objects with community.vmware's modules for the same objects.

The objects are 20 VM-VM rules, 10 groups and 5 VM-host rules. Both collections create them in a lab vCenter with 500
other VMs, and then run again without a change. The lab has no latency, which favors the collection with more requests.
community.vmware takes minutes, so it runs once; for drs_ruleset, the median of three runs is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from benchmarks.playing import Bench, Task, bench
from tests.support.lab.drs import ClusterObserver

OTHERS = 500
RUNS = 3
_PAIRS = [[f"bench-{2 * number}", f"bench-{2 * number + 1}"] for number in range(20)]


def _ours(info: Mapping[str, Any]) -> list[Task]:
    hosts = info["hosts"]
    groups = [{"name": f"vms-{n}", "type": "vm", "members": _PAIRS[n]} for n in range(5)]
    groups += [{"name": f"hosts-{n}", "type": "host", "members": [hosts[n % 2], hosts[2]]} for n in range(5)]
    rules: list[dict[str, Any]] = [
        {"name": f"pair-{n}", "type": "vm_anti_affinity", "vms": pair} for n, pair in enumerate(_PAIRS)
    ]
    rules += [
        {"name": f"bound-{n}", "type": "vm_host_affinity", "vm_group": f"vms-{n}", "host_group": f"hosts-{n}"}
        for n in range(5)
    ]
    return [{"gantry.vsphere.drs_ruleset": {"cluster": info["cluster"], "groups": groups, "rules": rules}}]


def _peers(one: Bench) -> list[Task]:
    hosts = one.info["hosts"]
    common = {
        **one.peers_connection(),
        "cluster_name": one.info["cluster"],
        "datacenter": one.info["datacenter"],
    }

    def group(name: str, **members: Any) -> Task:
        return {"community.vmware.vmware_drs_group": {**common, "group_name": name, **members}}

    def rule(kind: str, name: str, **options: Any) -> Task:
        return {f"community.vmware.{kind}": {**common, "drs_rule_name": name, "enabled": True, **options}}

    return [
        *(group(f"vms-{n}", vms=_PAIRS[n]) for n in range(5)),
        *(group(f"hosts-{n}", hosts=[hosts[n % 2], hosts[2]]) for n in range(5)),
        *(rule("vmware_vm_vm_drs_rule", f"pair-{n}", vms=pair, affinity_rule=False) for n, pair in enumerate(_PAIRS)),
        *(
            rule("vmware_vm_host_drs_rule", f"bound-{n}", vm_group_name=f"vms-{n}", host_group_name=f"hosts-{n}")
            for n in range(5)
        ),
    ]


@dataclass(frozen=True)
class Side:
    """The cost and the number of requests of creating the objects, and of the second run."""

    make: Cost
    again: Cost
    make_requests: int
    again_requests: int


def _measure(one: Bench, observer: ClusterObserver, command: list[str], runs: int) -> Side:
    costs: dict[str, list[Cost]] = {"make": [], "again": []}
    requests = {}
    for _run in range(runs):
        observer.clear()
        for what, found in costs.items():
            one.control.forget()
            found.append(cost_of(command, one.environment))
            requests[what] = len(one.control.methods())
        if len(observer.rules()) != 25 or len(observer.groups()) != 10:
            raise SystemExit(f"{command[-1]} did not create 25 rules and 10 groups.")
    return Side(medians(costs["make"]), medians(costs["again"]), requests["make"], requests["again"])


def main() -> None:
    with bench() as one:
        observer = ClusterObserver(one.info, one.info["cluster"])
        one.control.add_vms(2 * len(_PAIRS), "bench-")
        one.control.add_vms(OTHERS, "idle-")
        ours = _measure(one, observer, one.playbook("ours", _ours(one.info)), RUNS)
        peers = _measure(one, observer, one.playbook("peers", _peers(one)), 1)
    report(
        "drs",
        [
            ("making: drs_ruleset, wall seconds", ours.make.wall),
            ("making: community.vmware, wall seconds", peers.make.wall),
            ("making: wall, community.vmware / drs_ruleset", peers.make.wall / ours.make.wall),
            ("making: CPU, community.vmware / drs_ruleset", peers.make.cpu / ours.make.cpu),
            ("making: requests of drs_ruleset", ours.make_requests),
            ("making: requests of community.vmware", peers.make_requests),
            ("nothing to do: wall, community.vmware / drs_ruleset", peers.again.wall / ours.again.wall),
            ("nothing to do: CPU, community.vmware / drs_ruleset", peers.again.cpu / ours.again.cpu),
            ("nothing to do: requests of drs_ruleset", ours.again_requests),
            ("nothing to do: requests of community.vmware", peers.again_requests),
        ],
    )


if __name__ == "__main__":
    main()

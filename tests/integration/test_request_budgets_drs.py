# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the number of requests of the DRS modules, in an inventory with five hundred other VMs.

This is a separate file that runs late, because the lab's vCenter is slower afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs, cluster_with_vms

OTHERS = 500
PREFIX = "budget-"
VMS = [f"{PREFIX}{number}" for number in range(40)]
NOTHING_TO_DO = 10
THIRTY_FIVE = 15
WRITE = "ReconfigureComputeResource_Task"


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    with cluster_with_vms(lab, len(VMS), PREFIX) as one:
        missing = OTHERS - one.count("idle-")
        if missing > 0:
            Control(lab["control"]).add_vms(missing, "idle-")
        yield one


@pytest.fixture
def drs(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Drs]:
    yield Drs(lab, calls, observer)
    observer.clear()


def thirty_five(lab: dict[str, Any]) -> dict[str, Any]:
    """20 rules between VMs, 10 groups, 5 rules between VMs and hosts."""
    pairs = [VMS[number * 2 : number * 2 + 2] for number in range(20)]
    hosts = lab["hosts"]
    return {
        "groups": [
            *({"name": f"vms-{n}", "type": "vm", "members": pairs[n]} for n in range(5)),
            *({"name": f"hosts-{n}", "type": "host", "members": [hosts[n % 2], hosts[2]]} for n in range(5)),
        ],
        "rules": [
            *({"name": f"pair-{n}", "type": "vm_anti_affinity", "vms": pairs[n]} for n in range(20)),
            *(
                {"name": f"bound-{n}", "type": "vm_host_affinity", "vm_group": f"vms-{n}", "host_group": f"hosts-{n}"}
                for n in range(5)
            ),
        ],
    }


def test_thirty_five_objects_are_one_write_and_then_nothing(drs: Drs, lab: dict[str, Any]) -> None:
    """Check it as a module, including login and logout."""
    made = drs.ok("ruleset", **thirty_five(lab))
    assert len(made["actions"]) == 35
    assert drs.calls.mutating() == [WRITE]
    assert len(drs.calls.methods()) <= THIRTY_FIVE, drs.calls.methods()
    assert drs.ok("ruleset", **thirty_five(lab))["actions"] == []
    assert drs.calls.mutating() == []
    assert len(drs.calls.methods()) <= NOTHING_TO_DO, drs.calls.methods()
    # Also if all groups and rules are overwritten, which needs a second read.
    changed = thirty_five(lab)
    for group in changed["groups"][:5]:
        group["members"] = [*group["members"], VMS[39]]
    for rule in changed["rules"][:20]:
        rule["enabled"] = False
    assert len(drs.ok("ruleset", **changed)["actions"]) == 25
    assert drs.calls.mutating() == [WRITE]
    assert len(drs.calls.methods()) <= THIRTY_FIVE, drs.calls.methods()


def test_with_nothing_to_do_all_modules_stay_below_their_budget(drs: Drs, lab: dict[str, Any]) -> None:
    drs.ok("ruleset", **thirty_five(lab))
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("cluster", {"enabled": drs.observer.cluster.configurationEx.drsConfig.enabled}),
        ("group", {"name": "vms-0", "type": "vm", "members": VMS[:2], "members_mode": "exact"}),
        ("group", {"name": "none", "state": "absent"}),
        ("rule", {"name": "pair-0", "enabled": True}),
        ("override", {"vms": VMS[:3], "state": "absent"}),
        ("recommendation", {}),
        ("compliance_info", {}),
    ]
    for module, options in tasks:
        assert not drs.ok(module, **options)["changed"], (module, options)
        assert len(drs.calls.methods()) <= NOTHING_TO_DO, (module, options, drs.calls.methods())
        assert drs.calls.mutating() == [], (module, options)

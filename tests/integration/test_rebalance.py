# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the playbook rebalance: recommendations are applied, and what remains is reported with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from devkit.console import ROOT
from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs, cluster_with_vms
from tests.support.lab.playbook import PlaybookRunner, Run

PLAYBOOK = ROOT / "playbooks" / "rebalance.yml"
PREFIX = "balance-"
VMS = [f"{PREFIX}{number}" for number in range(2)]
APPLY = "ApplyRecommendation"


@pytest.fixture(scope="module")
def observer(lab: dict[str, Any]) -> Iterator[ClusterObserver]:
    """Set DRS to manual and run two VMs."""
    with cluster_with_vms(lab, len(VMS), PREFIX) as one:
        before = one.cluster.configurationEx.drsConfig
        set_drs(one)
        for name in VMS:
            WaitForTask(one.vm(name).PowerOnVM_Task(None))
        yield one
        one.clear()
        one.write(drsConfig=before)


@pytest.fixture
def drs(lab: dict[str, Any], calls: Control, observer: ClusterObserver) -> Iterator[Drs]:
    """Put both VMs on the first host, although a rule keeps them apart."""
    host = observer.cluster.host[0]
    for name in VMS:
        if observer.vm(name).runtime.host != host:
            WaitForTask(observer.vm(name).MigrateVM_Task(None, host, "defaultPriority"))
    one = Drs(lab, calls, observer)
    one.ok("rule", name="apart", type="vm_anti_affinity", vms=VMS)
    observer.cluster.RefreshRecommendation()
    calls.reset()
    yield one
    set_drs(observer)
    observer.clear()
    observer.cluster.RefreshRecommendation()


def set_drs(observer: ClusterObserver, *, enabled: bool = True) -> None:
    observer.write(drsConfig=vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior="manual", vmotionRate=3))


def result_of(run: Run) -> dict[str, Any]:
    """Return the last record of the only cluster."""
    recorded = [one for one in run.outcomes if one.name == "Record the cluster"]
    (found,) = recorded[-1]["ansible_facts"]["rebalance_result"]
    result: dict[str, Any] = found
    return result


def test_recommendations_are_applied_and_a_second_run_changes_nothing(
    play: PlaybookRunner, lab: dict[str, Any], drs: Drs
) -> None:
    variables = {"rebalance_clusters": [lab["cluster"]]}
    predicted = result_of(play(PLAYBOOK, extra_vars=variables, check=True).ok())
    assert drs.calls.mutating() == []
    first = result_of(play(PLAYBOOK, extra_vars=variables).ok())
    assert drs.calls.mutating() == [APPLY]
    assert first["applied"] == predicted["applied"]
    assert [one["rule"] for one in first["violations_before"]] == ["apart"]
    assert (first["violations"], first["recommendations"]) == ([], [])
    assert len({drs.observer.vm(name).runtime.host.name for name in VMS}) == 2
    second = play(PLAYBOOK, extra_vars=variables).ok()
    assert "changed=0 " in second.output
    assert result_of(second)["applied"] == []


def test_what_remains_is_reported_with_its_cause(play: PlaybookRunner, lab: dict[str, Any], drs: Drs) -> None:
    variables = {"rebalance_clusters": [lab["cluster"]], "rebalance_reasons": ["fairnessCpuAvg"]}
    left = result_of(play(PLAYBOOK, extra_vars=variables).ok())
    assert drs.calls.mutating() == []
    assert [one["reason"] for one in left["recommendations"]] == ["antiAffin"]
    (violation,) = left["violations"]
    assert violation["cause"] == f"DRS only recommends moves of {', '.join(VMS)}. Apply its recommendations."


def test_a_cluster_without_drs_is_refused(play: PlaybookRunner, lab: dict[str, Any], drs: Drs) -> None:
    set_drs(drs.observer, enabled=False)
    drs.calls.forget()
    refused = play(PLAYBOOK, extra_vars={"rebalance_clusters": [lab["cluster"]]})
    assert refused.code != 0
    assert refused.last.msg.startswith(f"DRS is off in /DC0/host/{lab['cluster']}")
    assert drs.calls.mutating() == []

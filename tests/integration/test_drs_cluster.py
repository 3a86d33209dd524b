# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test drs_cluster with the lab's vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.support.lab.control import Control
from tests.support.lab.drs import ClusterObserver, Drs


@pytest.fixture
def drs(lab: dict[str, Any], calls: Control) -> Iterator[Drs]:
    """Yield the modules and restore the cluster's settings afterwards."""
    observer = ClusterObserver(lab, lab["cluster"])
    config = observer.cluster.configurationEx
    yield Drs(lab, calls, observer)
    calls.reset()
    options = [
        vim.option.OptionValue(key=one.key, value="") for one in observer.cluster.configurationEx.drsConfig.option
    ]
    config.drsConfig.option = options
    observer.write(
        drsConfig=config.drsConfig,
        dasConfig=config.dasConfig,
        proactiveDrsConfig=vim.cluster.ProactiveDrsConfigInfo(enabled=False),
    )
    observer.close()


def test_drs_settings_are_written_once_and_then_unchanged(drs: Drs) -> None:
    done = drs.converge(
        "cluster",
        automation_level="manual",
        migration_threshold=5,
        scalable_shares=True,
        vm_overrides=False,
        predictive_drs=True,
        advanced_options={"TryBalanceVmsPerHost": 1, "MaxVcpusPerCore": "8"},
    )
    config = drs.observer.cluster.configurationEx
    settings = config.drsConfig
    assert settings.defaultVmBehavior == "manual"
    assert settings.vmotionRate == 1  # the API's scale is reversed: 1 is aggressive
    assert settings.scaleDescendantsShares == "scaleCpuAndMemoryShares"
    assert settings.enableVmBehaviorOverrides is False
    assert config.proactiveDrsConfig.enabled
    assert {one.key: one.value for one in settings.option} == {"TryBalanceVmsPerHost": "1", "MaxVcpusPerCore": "8"}
    assert done["diff"]["after"]["migration_threshold"] == 5
    assert done["settings"]["migration_threshold"] == 5
    removed = drs.converge("cluster", advanced_options={"TryBalanceVmsPerHost": None, "NeverSet": None})
    assert removed["actions"] == ["remove advanced_options.TryBalanceVmsPerHost"]
    assert removed["settings"]["advanced_options"] == {"MaxVcpusPerCore": "8"}


def test_ha_settings_are_written(drs: Drs, lab: dict[str, Any]) -> None:
    done = drs.converge(
        "cluster",
        ha={
            "enabled": True,
            "host_monitoring": False,
            "admission_control": {"policy": "cluster_resource_percentage", "cpu_percent": 30, "memory_percent": 40},
        },
    )
    ha = drs.observer.cluster.configurationEx.dasConfig
    assert (ha.enabled, ha.hostMonitoring, ha.admissionControlEnabled) == (True, "disabled", True)
    policy = ha.admissionControlPolicy
    assert (policy.cpuFailoverResourcesPercent, policy.memoryFailoverResourcesPercent) == (30, 40)
    assert done["settings"]["ha"]["admission_control"]["cpu_percent"] == 30
    drs.converge("cluster", ha={"admission_control": {"policy": "slot_policy", "host_failures_tolerated": 2}})
    assert drs.observer.cluster.configurationEx.dasConfig.admissionControlPolicy.failoverLevel == 2
    kept = lab["hosts"][:1]
    drs.converge("cluster", ha={"admission_control": {"policy": "dedicated_failover_hosts", "failover_hosts": kept}})
    (host,) = drs.observer.cluster.configurationEx.dasConfig.admissionControlPolicy.failoverHosts
    assert host.name == kept[0]
    drs.converge("cluster", ha={"admission_control": {"policy": "disabled"}})
    assert not drs.observer.cluster.configurationEx.dasConfig.admissionControlEnabled


def test_fields_of_admission_control_without_an_option_are_kept(drs: Drs) -> None:
    policy = vim.cluster.FailoverResourcesAdmissionControlPolicy(
        cpuFailoverResourcesPercent=30,
        memoryFailoverResourcesPercent=30,
        autoComputePercentages=False,
        failoverLevel=1,
        resourceReductionToToleratePercent=25,
        pMemAdmissionControlEnabled=True,
        pMemFailoverResourcesPercent=10,
    )
    drs.observer.write(dasConfig=vim.cluster.DasConfigInfo(enabled=True, admissionControlPolicy=policy))

    def written(**control: Any) -> Any:
        drs.ok("cluster", ha={"admission_control": control})
        return drs.observer.cluster.configurationEx.dasConfig.admissionControlPolicy

    percentage = written(policy="cluster_resource_percentage", cpu_percent=40, memory_percent=50)
    assert (percentage.cpuFailoverResourcesPercent, percentage.memoryFailoverResourcesPercent) == (40, 50)
    assert (percentage.resourceReductionToToleratePercent, percentage.pMemFailoverResourcesPercent) == (25, 10)
    slots = written(policy="slot_policy", host_failures_tolerated=2)
    assert (slots.resourceReductionToToleratePercent, slots.pMemAdmissionControlEnabled) == (25, True)


def test_drs_is_not_disabled_while_that_would_destroy_resource_pools(drs: Drs) -> None:
    drs.ok("cluster", enabled=True)
    shares = vim.SharesInfo(level="normal", shares=0)
    allocation = vim.ResourceAllocationInfo(reservation=0, limit=-1, expandableReservation=True, shares=shares)
    spec = vim.ResourceConfigSpec(cpuAllocation=allocation, memoryAllocation=allocation)
    pool = drs.observer.cluster.resourcePool.CreateResourcePool("drs-pool", spec)
    try:
        message = drs.refused("cluster", enabled=False)
        assert "drs-pool" in message
        assert "automation_level: manual" in message
    finally:
        pool.Destroy()
    assert drs.converge("cluster", enabled=False)["settings"]["enabled"] is False
    drs.converge("cluster", enabled=True)


def test_settings_without_effect_are_refused(drs: Drs) -> None:
    slots = {"policy": "slot_policy", "cpu_percent": 10, "memory_percent": 10}
    assert "no effect" in drs.refused("cluster", ha={"admission_control": slots})
    half = {"policy": "cluster_resource_percentage", "cpu_percent": 10}
    assert "must be given together" in drs.refused("cluster", ha={"admission_control": half})
    assert "failover_hosts" in drs.refused("cluster", ha={"admission_control": {"policy": "dedicated_failover_hosts"}})
    assert "advanced_options.A" in drs.refused("cluster", advanced_options={"A": True})
    assert "esx-none" in drs.refused(
        "cluster", ha={"admission_control": {"policy": "dedicated_failover_hosts", "failover_hosts": ["esx-none"]}}
    )


def test_the_fault_is_reported(drs: Drs) -> None:
    drs.calls.fault("ReconfigureComputeResource_Task", "InvalidArgument")
    result = drs.run("cluster", migration_threshold=1)
    assert result["failed"]
    assert result["fault"]["type"] == "InvalidArgument"

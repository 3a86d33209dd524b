# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the decoding of samples and events, and what is made of them."""

from __future__ import annotations

from datetime import datetime, timezone

from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_events import _event
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe_usage import _usage
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.performance import Samples, _decode

DAY = "2026-03-01T12:00:"


def test_samples_that_the_host_lacks_are_left_out_of_the_figures() -> None:
    manager = vim.PerformanceManager
    text = manager.EntityMetricCSV(
        sampleInfoCSV=f"20,{DAY}00Z,20,{DAY}20Z,20,{DAY}40Z",
        value=[manager.MetricSeriesCSV(id=manager.MetricId(counterId=7, instance=""), value="100,-1,300")],
    )
    samples = _decode(text, {7: "cpu.usage.average"})
    assert samples.values == {"cpu.usage.average": (100, None, 300)}
    usage = _usage(samples)
    assert usage is not None
    assert (usage["samples"], usage["begin"], usage["end"]) == (3, f"{DAY}00Z", f"{DAY}40Z")
    assert usage["cpu_percent"] == {"average": 2.0, "maximum": 3.0}
    assert usage["memory_bytes"] is None


def test_a_vm_without_samples_has_no_usage() -> None:
    assert _usage(None) is None
    assert _usage(Samples((), {})) is None


def test_what_vsphere_does_by_itself_has_its_cause() -> None:
    time = {"createdTime": datetime(2026, 3, 1, 12, tzinfo=timezone.utc)}
    hosts = {name: vim.event.HostEventArgument(name=name) for name in ("esx1", "esx2")}
    found = _event(vim.event.DrsVmMigratedEvent(**time, userName="", host=hosts["esx2"], sourceHost=hosts["esx1"]))
    assert (found["action"], found["cause"], found["user"]) == ("moved", "drs", None)
    assert (found["source_host"], found["host"], found["time"]) == ("esx1", "esx2", "2026-03-01T12:00:00Z")
    restarted = vim.event.EventEx(**time, userName="", eventTypeId="com.vmware.vc.ha.VmRestartedByHAEvent")
    assert (_event(restarted)["action"], _event(restarted)["cause"]) == ("started", "ha")
    unknown = vim.event.VmMessageEvent(**time, userName="VSPHERE.LOCAL\\operator")
    assert (_event(unknown)["action"], _event(unknown)["cause"]) == (None, "user")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test an instant clone of a running container: both continue independently from the same point in time."""

from __future__ import annotations

from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.support.guests.containers import PATIENCE, Containers
from tests.support.guests.counting import options, run_counter, status, stop_counter
from tests.support.guests.vcenter import find, session


def test_counter_is_forked(containers: Containers, name: str) -> None:
    run_counter(containers, name)
    port = containers.publish(name, 80)
    page = containers.first_page(port)
    with session(containers.lab) as content:
        source = find(content, vim.VirtualMachine, name)
        begun = status(source)["started_at"]
        spec = vim.vm.InstantCloneSpec(
            name=f"{name}-twin",
            location=vim.vm.RelocateSpec(),
            config=[vim.option.OptionValue(key="guestinfo.who", value="twin")],
        )
        task = source.InstantClone_Task(spec)
        WaitForTask(task, maxWaitTime=PATIENCE)
        twin = task.info.result
        assert (twin.runtime.powerState, twin.runtime.host) == ("poweredOn", source.runtime.host)
        assert (options(twin)["guestinfo.who"], status(twin)) == ("twin", status(source))
        # The clone, which still has the other's addresses in its memory, does not use them on the network.
        assert [containers.get(port) for _ in range(10)] == [page] * 10

        # A process that had started again would have another time.
        assert [status(machine)["started_at"] for machine in (twin, source)] == [begun] * 2
        assert stop_counter(content, twin) > 0
        assert stop_counter(content, source) > 0
        WaitForTask(twin.Destroy_Task())

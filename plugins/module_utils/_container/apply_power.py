# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting and stopping container VMs, and waiting for what the guests say."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import Run, Workbench
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    POWER_PATH,
    STARTUP_PATHS,
    PoweredOff,
    Startup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import AwaitStatus, PowerOn, Stop
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import SUSPENDED
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.waiter import Watcher, watch

# What a graceful stop may take beyond the container's own timeout: the kill, syncing disks, powering off.
_STOP_MARGIN = 20.0
# Faults that say that the guest cannot be asked: it is off already, or must be told.
_CANNOT_ASK = ("ToolsUnavailable", "InvalidPowerState", "InvalidState", "TaskInProgress")


def power_on(bench: Workbench, runs: Sequence[Run]) -> None:
    """Start the VMs, and wait for those whose containers are waited for."""
    changes: list[PowerOn] = [run.change(PowerOn) for run in runs]
    moids = [run.moid(change.machine) for run, change in zip(runs, changes, strict=True)]
    before = bench.values(moids, keys.STATUS)
    datacenters = {change.machine.datacenter for change in changes}
    for datacenter in datacenters:
        if datacenter is None:
            raise ValueError("a VM outside of any datacenter is started")
        there = [index for index, change in enumerate(changes) if change.machine.datacenter == datacenter]
        _power_on_in(bench, datacenter, {moids[index]: runs[index] for index in there})
    now = time.monotonic()
    waits = []
    for run, change, moid in zip(runs, changes, moids, strict=True):
        if run.error is None and change.wait_for is not None:
            startup = Startup(
                container=change.container,
                wait_for=change.wait_for,
                wait_timeout=change.wait_timeout,
                before=before.get(moid),
                wants_address=bool(change.machine.adapters),
                deadline=now + change.wait_timeout,
            )
            waits.append((run, moid, startup))
    _await(bench, waits)


def await_status(bench: Workbench, runs: Sequence[Run]) -> None:
    """Wait for containers whose VMs are on already."""
    said = bench.values([run.moid(run.change(AwaitStatus).machine) for run in runs], keys.STATUS)
    waits = []
    for run in runs:
        change: AwaitStatus = run.change(AwaitStatus)
        startup = Startup(
            container=change.container,
            wait_for=change.wait_for,
            wait_timeout=change.wait_timeout,
            # What a former run has left is not what this one has come to.
            before=None if change.machine.has_reported else said.get(run.moid(change.machine)),
            wants_address=False,
            deadline=time.monotonic() + change.wait_timeout,
        )
        waits.append((run, run.moid(change.machine), startup))
    _await(bench, waits)


def stop(bench: Workbench, runs: Sequence[Run]) -> None:
    """Ask each guest to shut down; those that cannot be asked, must not, or do not in their time are powered off."""
    asked: dict[str, Watcher] = {}
    hard: list[Run] = []
    for run in runs:
        change: Stop = run.change(Stop)
        graceful = change.machine.tools_running and not change.force and change.machine.power != SUSPENDED
        if graceful and _ask_to_stop(bench, run, change):
            deadline = time.monotonic() + change.timeout + _STOP_MARGIN
            asked[run.moid(change.machine)] = PoweredOff(deadline=deadline)
        elif run.error is None:
            hard.append(run)
    missed = watch(bench.session, [POWER_PATH], asked) if asked else set()
    for run in runs:
        change = run.change(Stop)
        if run.moid(change.machine) in missed:
            bench.session.warn(f"container {change.container} did not stop in its time; its VM was powered off")
            hard.append(run)
    _power_off(bench, hard)


def _ask_to_stop(bench: Workbench, run: Run, change: Stop) -> bool:
    """Ask the guest to shut down; whether it was asked."""
    try:
        bench.vm(run.moid(change.machine)).ShutdownGuest()
    except FaultError as error:
        if error.kind not in _CANNOT_ASK:
            run.fail(error)
        return False
    return True


def _power_off(bench: Workbench, runs: Sequence[Run]) -> None:
    jobs = []
    for run in runs:
        machine = run.change(Stop).machine
        jobs.append(Job(machine.name, "power off", bench.vm(run.moid(machine)).PowerOffVM_Task))
    for run, outcome in zip(runs, bench.session.run(jobs, bench.report) if jobs else (), strict=True):
        # It went off by itself between the question and the order: that is what was wanted.
        went_off = isinstance(outcome.error, FaultError) and outcome.error.kind == "InvalidPowerState"
        if outcome.error is not None and not went_off:
            run.fail(outcome.error)


def _power_on_in(bench: Workbench, datacenter: Entry, runs: dict[str, Run]) -> None:
    """One call for all VMs of a datacenter: DRS chooses the hosts, whatever its automation level."""
    option = vim.option.OptionValue(key="OverrideAutomationLevel", value="fullyAutomated")
    vms = [bench.vm(moid) for moid in runs]
    subject = ", ".join(run.changes[0].container for run in runs.values())
    job = Job(subject, "power on", lambda: datacenter.ref.PowerOnMultiVM_Task(vms, [option]))
    (outcome,) = bench.session.run([job], bench.report)
    if outcome.error is not None:
        for run in runs.values():
            run.fail(outcome.error)
        return
    for refused in outcome.result.notAttempted or ():
        run = runs[moid_of(refused.vm)]
        run.fail(FaultError(f"Cannot power on {run.changes[0].container}", refused.fault))
    attempts = [(runs[moid_of(one.vm)], one.task) for one in outcome.result.attempted or () if one.task is not None]
    bench.tasks(
        [run for run, _task in attempts],
        [Job(run.changes[0].container, "power on", _started(task)) for run, task in attempts],
    )


def _started(task: Any) -> Callable[[], Any]:
    return lambda: task


def _await(bench: Workbench, waits: Sequence[tuple[Run, str, Startup]]) -> None:
    if not waits:
        return
    watch(bench.session, STARTUP_PATHS, {moid: startup for _run, moid, startup in waits})
    failed = [(run, moid, startup) for run, moid, startup in waits if not startup.reached]
    logs = bench.values([moid for _run, moid, _startup in failed], keys.LOG) if failed else {}
    for run, moid, startup in failed:
        run.error = startup.error(keys.decode_log(logs.get(moid)))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop container VMs, and wait for the status that the guests report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject, Workbench
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_conflict import name_owners
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_files import deliver
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_names import names_at_start
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    POWER_PATH,
    STARTUP_PATHS,
    STATUS_PATH,
    Ended,
    FilesWanted,
    PoweredOff,
    PoweredOn,
    Startup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import AwaitStatus, PowerOn, Stop
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import extra_config_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_names import table_values
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_run import (
    END_KEYS,
    START_KEYS,
    end_values,
    is_end,
    start_values,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import OFF, SUSPENDED, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamesTable
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Attempt, Flow, Gather, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import published_text
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.status import decode_status
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError, fault_kind
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

# The time that a graceful stop may take beyond the container's own timeout: the kill, syncing disks, powering off.
_STOP_MARGIN = 20.0
# How long a VM may be off after vCenter accepted to power it on, if no task is known that can be waited for.
_POWER_ON_SECONDS = 60.0
_POWER_ON_TASK = "VirtualMachine.powerOn"
_VERSION_PATH = "config.changeVersion"
_PREPARE_PATHS = (POWER_PATH, _VERSION_PATH, *map(keys.option_path, (*START_KEYS, keys.NAMES_TABLE)))
# The fault of a change of the power state that the VM has already.
_CHANGED = "InvalidPowerState"
# Faults of a guest that cannot shut down by itself: it is off already, or has to be powered off.
_CANNOT_ASK = ("ToolsUnavailable", _CHANGED, "InvalidState", "TaskInProgress")


def power_on(subject: ContainerSubject, change: PowerOn) -> Flow[None]:
    """Start the VM, and wait for the container if the change says so."""
    moid, datacenter = subject.moid(change.machine), change.machine.datacenter
    if datacenter is None:
        raise ValueError("a VM outside of any datacenter is started")
    names = change.names
    if names is not None:
        names = yield from names_at_start(subject, change.machine, names)
    before = yield from _prepare(subject, change.machine, names)
    task = yield from _power_on_in(subject, datacenter, moid)
    if task is None or not (yield from _completes(subject, task)):
        yield from _await_power(subject, moid, before)
    if change.machine.start_pending:
        yield _mark_start(subject, moid, pending=False)
    deadline = time.monotonic() + change.wait_timeout
    if change.files is not None:
        yield from deliver(subject, moid, change.files, FilesWanted(before, deadline))
    if change.wait_for is not None:
        startup = Startup(
            container=change.container,
            wait_for=change.wait_for,
            wait_timeout=change.wait_timeout,
            healthy_wait_timeout=change.healthy_wait_timeout,
            before=before,
            wants_address=bool(change.machine.adapters) and not change.runs_to_end,
            delivers=change.files is not None,
            deadline=deadline,
        )
        yield from _await(subject, moid, startup)
    if names is not None and change.machine.folder is not None:
        subject.bench.started[moid] = (change.container, change.machine.folder.moid)


def await_status(subject: ContainerSubject, change: AwaitStatus) -> Flow[None]:
    """Wait for a container whose VM is already on."""
    moid = subject.moid(change.machine)
    status = yield from subject.bench.value(moid, keys.STATUS)
    # The status may still be that of an earlier run.
    before = None if change.machine.has_reported else status
    deadline = time.monotonic() + change.wait_timeout
    if change.files is not None:
        yield from deliver(subject, moid, change.files, FilesWanted(before, deadline))
    startup = Startup(
        container=change.container,
        wait_for=change.wait_for,
        wait_timeout=change.wait_timeout,
        healthy_wait_timeout=change.healthy_wait_timeout,
        before=before,
        wants_address=False,
        delivers=change.files is not None,
        deadline=deadline,
    )
    yield from _await(subject, moid, startup)


def stop(subject: ContainerSubject, change: Stop) -> Flow[None]:
    """Shut the guest down; power the VM off if that is not possible, not wanted, or not done in time."""
    vm, machine = subject.vm(change.machine), change.machine
    if machine.has_ended and change.records:
        yield from _record_end(subject, subject.moid(machine), canonical_json(dict(machine.status or {})))
    if change.pending_after != machine.start_pending:
        yield _mark_start(subject, subject.moid(machine), pending=change.pending_after)
    can_ask = machine.tools_running and not change.force and machine.power != SUSPENDED
    if can_ask and (yield from _shut_down(subject, change)):
        return
    outcome = yield Attempt(Job(machine.name, "power off", vm.PowerOffVM_Task))
    # It may have powered off by itself in the meantime, which is the desired state.
    if outcome.error is not None and not _changed_by_itself(outcome.error):
        raise outcome.error


def _changed_by_itself(error: GantryError) -> bool:
    """Return whether a VM had another power state than it was observed in, when vCenter was to change it."""
    return isinstance(error, FaultError) and error.kind == _CHANGED


def _mark_start(subject: ContainerSubject, moid: str, *, pending: bool) -> Job:
    """Keep on the VM that this task must start it again, from before it is stopped until after it is started."""
    vm, spec = subject.bench.vm(moid), extra_config_spec({keys.START_PENDING: keys.TRUE if pending else ""})
    return Job(subject.name, "mark the restart of", lambda: vm.ReconfigVM_Task(spec))


def _shut_down(subject: ContainerSubject, change: Stop) -> Flow[bool]:
    """Shut the guest down, and record the end that it reports; return whether the VM is off."""
    vm, name = subject.vm(change.machine), change.machine.name
    if not (yield _request_shutdown(vm, name)):
        return False
    ended = Ended(deadline=time.monotonic() + change.timeout + _STOP_MARGIN)
    seen = yield Watch(vm, [POWER_PATH, STATUS_PATH], ended)
    if ended.end is not None:
        if change.records:
            yield from _record_end(subject, subject.moid(change.machine), ended.end)
        seen = yield from _release(subject, vm, ended.deadline)
    if not seen:
        subject.bench.session.warn(
            f"container {change.container} did not stop within its timeout; its VM was powered off"
        )
    return bool(seen)


def _record_end(subject: ContainerSubject, moid: str, status: str) -> Flow[str | None]:
    """Keep the last status and the log of a container, and return the log.

    vSphere can drop what the guest has set when the VM powers off.
    """
    found = yield from subject.bench.values(moid, END_KEYS)
    if decode_status(found.get(keys.KEPT_STATUS)) != decode_status(status):
        vm, spec = subject.bench.vm(moid), extra_config_spec(end_values(status, found.get(keys.LOG)))
        yield Job(subject.name, "record the end of", lambda: vm.ReconfigVM_Task(spec))
    return found.get(keys.LOG)


def _release(subject: ContainerSubject, vm: Any, deadline: float) -> Flow[bool]:
    """Let a VM power off that stays on so that its last report can be read; return whether it is off in time."""
    yield _request_shutdown(vm, subject.name)
    is_off = yield Watch(vm, [POWER_PATH], PoweredOff(deadline=deadline))
    return bool(is_off)


def _prepare(subject: ContainerSubject, machine: Machine, names: NamesTable | None) -> Flow[str | None]:
    """Write what the guest is to find at its start; return the status that an earlier run has left."""
    bench, moid = subject.bench, subject.moid(machine)
    preparation = _Preparation(bench, moid, names)
    preparation.look((yield from bench.properties(moid, _PREPARE_PATHS)))
    if preparation.values:
        yield Job(machine.name, "prepare the start of", preparation.write)
    return preparation.before


@dataclass
class _Preparation:
    """What is written for a start. ``before`` is the status that an earlier run has left.

    Another controller can start the VM at the same time. What its guest has reported is not overwritten: vCenter
    refuses to write to a VM that was changed since it was read, and it is then read again.
    """

    bench: Workbench
    moid: str
    names: NamesTable | None
    before: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    version: str | None = None
    tried: bool = False

    def look(self, row: Mapping[str, Any]) -> None:
        found = keys.options(row, START_KEYS)
        self.before, self.values, self.version = None, {}, row.get(_VERSION_PATH)
        if row.get(POWER_PATH) == SUSPENDED:
            # Its guest goes on, and what it has reported applies again.
            return
        if row.get(POWER_PATH) != OFF:
            # Another client has started it meanwhile. An end can only be that of an earlier run.
            text = found.get(keys.STATUS)
            self.before = text if text and is_end(text) else None
            return
        self.before, self.values = keys.NOT_REPORTED, start_values(found)
        if self.names is not None:
            self.values |= table_values(self.names, keys.option(row, keys.NAMES_TABLE))

    def write(self) -> Any:
        """Return the task; it changes nothing if the VM has been started meanwhile."""
        vm = self.bench.vm(self.moid)
        if self.tried:
            self.look(next(iter(self.bench.session.read([vm], _PREPARE_PATHS)), {}))
        self.tried = True
        spec = extra_config_spec(self.values)
        spec.changeVersion = self.version if self.values else None
        return vm.ReconfigVM_Task(spec)


def _request_shutdown(vm: Any, name: str) -> Job:
    return Job(name, "shut down", lambda: _ask_to_stop(vm), has_task=False)


def _ask_to_stop(vm: Any) -> bool:
    """Request a guest shutdown; return whether the request was accepted."""
    try:
        vm.ShutdownGuest()
    except FaultError as error:
        if error.kind not in _CANNOT_ASK:
            raise
        return False
    return True


def _power_on_in(subject: ContainerSubject, datacenter: Entry, moid: str) -> Flow[Any]:
    """Power the VM on, with one call for all VMs of the datacenter that are started at the same time.

    The result is its task, or None if vCenter does not return it: "For a virtual machine not managed by DRS, a task ID
    is also returned" (ClusterPowerOnVmResult.attempted). It is None too if the VM has been started in the meantime.
    """
    bench, name = subject.bench, subject.name
    asked = Gather(
        ("power on", datacenter.moid), (moid, name), lambda starting: _power_on_job(bench, datacenter, starting)
    )
    result = yield asked
    for refused in result.notAttempted or ():
        if moid_of(refused.vm) == moid and fault_kind(refused.fault) != _CHANGED:
            raise FaultError(f"Cannot power on {name}", refused.fault)
    return next((one.task for one in result.attempted or () if moid_of(one.vm) == moid and one.task is not None), None)


def _completes(subject: ContainerSubject, task: Any) -> Flow[bool]:
    """Wait for a task that powers the VM on; return False if the VM has been started in the meantime.

    Another client can do so, and an earlier run that was killed after vCenter had accepted its request.
    """
    outcome = yield Attempt(Job(subject.name, "power on", partial(_same, task)))
    if outcome.error is not None and not _changed_by_itself(outcome.error):
        raise outcome.error
    return outcome.error is None


def _await_power(subject: ContainerSubject, moid: str, before: str | None) -> Flow[None]:
    """Wait until the VM is on, without a task to wait for."""
    bench, name = subject.bench, subject.name
    waiting = PoweredOn(before, time.monotonic() + _POWER_ON_SECONDS)
    if (yield Watch(bench.vm(moid), [POWER_PATH, STATUS_PATH], waiting)):
        return
    failure = yield Job(name, "read the tasks of", lambda: _last_failure(bench, moid), mutates=False, has_task=False)
    if failure is not None:
        raise FaultError(f"Cannot power on {name}", failure)
    raise GantryError(
        f"{name} is still powered off {_POWER_ON_SECONDS:.0f} s after vCenter accepted to power it on. Look at the "
        "VM's tasks and at the DRS recommendations of its cluster in the vSphere Client, and run again."
    )


def _last_failure(bench: Workbench, moid: str) -> Any:
    """Return the fault of the latest task that powered the VM on; None if it has not failed."""
    rows = bench.session.read([bench.vm(moid)], ["recentTask"])
    tasks = [task for row in rows for task in row.get("recentTask") or ()]
    infos = [one["info"] for one in bench.session.read(tasks, ["info"]) if "info" in one] if tasks else []
    starts = [info for info in infos if str(info.descriptionId).startswith(_POWER_ON_TASK)]
    latest = max(starts, key=lambda info: info.queueTime, default=None)
    return None if latest is None else latest.error


def _same(task: Any) -> Any:
    """Return a task that is already running."""
    return task


def _power_on_job(bench: Workbench, datacenter: Entry, starting: list[tuple[str, str]]) -> Job:
    """Return the job that powers VMs on. DRS chooses the hosts, whatever its automation level."""
    option = vim.option.OptionValue(key="OverrideAutomationLevel", value="fullyAutomated")
    vms = [bench.vm(moid) for moid, _name in starting]
    names = ", ".join(name for _moid, name in starting)
    return Job(names, "power on", lambda: datacenter.ref.PowerOnMultiVM_Task(vms, [option]))


def _await(subject: ContainerSubject, moid: str, startup: Startup) -> Flow[None]:
    vm, log = subject.bench.vm(moid), None
    yield Watch(vm, STARTUP_PATHS, startup)
    if startup.end is not None:
        log = yield from _record_end(subject, moid, startup.end)
        if startup.power != OFF:
            yield from _release(subject, vm, time.monotonic() + _STOP_MARGIN)
    elif not startup.reached:
        log = yield from subject.bench.value(moid, keys.LOG)
    if not startup.reached:
        startup.hint = yield from name_owners(subject, startup.status)
        raise startup.error(published_text(log))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliver the files of a container by guest operations, when its guest waits for them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import (
    POWER_PATH,
    STATUS_PATH,
    Contents,
    FilesWanted,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_files import ReplaceFiles
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Attempt, Flow, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.delivery import SEND_FILES, FilesToDeliver
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.programs import USER
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.guest_operations import GuestPrograms
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

# vCenter can need a moment to know that the tools of a guest run, and what they offer.
_NOT_YET = ("GuestOperationsUnavailable", "OperationDisabledByGuest")
_PAUSE_SECONDS = 1.0


def deliver(subject: ContainerSubject, moid: str, files: FilesToDeliver, wanted: FilesWanted) -> Flow[None]:
    """Wait until the guest has started the container or waits for its files, and then send them."""
    vm = subject.bench.vm(moid)
    yield Watch(vm, [POWER_PATH, STATUS_PATH], wanted)
    if wanted.asked:
        yield from _send_all(subject, vm, files, wanted.deadline)


def replace_files(subject: ContainerSubject, change: ReplaceFiles) -> Flow[None]:
    """Send the contents of files to a guest that runs, and wait until its container has them."""
    vm = subject.bench.vm(subject.moid(change.machine))
    deadline = time.monotonic() + change.wait_timeout
    contents = Contents(change.files.delivery.sha256, deadline)
    yield Watch(vm, [POWER_PATH, STATUS_PATH], contents)
    if contents.asked and contents.failure is None:
        yield from _send_all(subject, vm, change.files, deadline)
        contents.sent = True
        yield Watch(vm, [POWER_PATH, STATUS_PATH], contents)
    if contents.failure is not None:
        raise GantryError(
            f"Container {change.container} could not get the changed files while it runs: {contents.failure}. Run the "
            "task again, which restarts the container."
        )
    if not contents.is_up:
        raise GantryError(
            f"Container {change.container} ended before it got the changed files. Run the task again with state: "
            "started, with which it starts with them."
        )
    if not contents.replaced:
        raise GantryError(
            f"Container {change.container} did not get the changed files within {change.wait_timeout} s "
            "(wait_timeout). Look at the VM's console, and run the task again."
        )


def _send_all(subject: ContainerSubject, vm: Any, files: FilesToDeliver, deadline: float) -> Flow[None]:
    managers = yield from subject.bench.guest_managers()
    secret = files.guest_key.secret(subject.created.container_id or files.container_id)
    programs = GuestPrograms(subject.bench.session, vm, managers, USER, secret)
    for arguments in files.delivery.parts():
        yield from _send(subject, vm, programs, arguments, deadline)


def _send(subject: ContainerSubject, vm: Any, programs: GuestPrograms, arguments: str, deadline: float) -> Flow[None]:
    """Send one part, again if the guest operations are not available yet."""
    while True:
        job = Job(subject.name, "send files to", lambda: programs.start(SEND_FILES, arguments), has_task=False)
        outcome = yield Attempt(job)
        if outcome.error is None:
            return
        not_yet = isinstance(outcome.error, FaultError) and outcome.error.kind in _NOT_YET
        if not not_yet or time.monotonic() >= deadline:
            raise outcome.error
        yield Watch(vm, [POWER_PATH], _Pause(time.monotonic() + _PAUSE_SECONDS))


@dataclass
class _Pause:
    """A wait for time to pass."""

    deadline: float

    def seen(self, _values: Mapping[str, Any]) -> bool:
        return False

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let a new VM take the place of one that is kept for a while, or give it back."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_names import stale_tables, write_table
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_rules import succeed_in_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_wait import POWER_PATH, PoweredOff
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import (
    Drain,
    Retire,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import (
    extra_config_spec,
    name_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_names import encode_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_names import named_container
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def retire(subject: ContainerSubject, change: Retire) -> Flow[None]:
    """Give the old VM another name, after the new one has its place in the DRS rules."""
    yield from succeed_in_rules(subject, change.machine, change.successor)
    vm, spec = subject.vm(change.machine), name_spec(change.name, keys.KIND_PREDECESSOR)
    yield Job(change.machine.name, "rename", lambda: vm.ReconfigVM_Task(spec))


def drain(subject: ContainerSubject, change: Drain) -> Flow[None]:
    """Take the VM from the tables of names of the others, and wait."""
    named, vm = named_container(change.machine), subject.vm(change.machine)
    if change.withdraws:
        spec = extra_config_spec({keys.NAMES: encode_names(())})
        yield Job(change.machine.name, "withdraw the names of", lambda: vm.ReconfigVM_Task(spec))
    if named is not None:
        # Once for all containers that are drained at the same time.
        session = subject.bench.session
        yield Gather("names", named.scopes, lambda scopes: _update_names(session, frozenset().union(*scopes)))
    yield Watch(vm, [POWER_PATH], PoweredOff(time.monotonic() + change.seconds))


def _update_names(session: Session, scopes: frozenset[tuple[str, str]]) -> Job:
    """Return the job that writes the tables of the others. What it cannot write is tried again when the task ends."""

    def write() -> None:
        for update in stale_tables(session, scopes):
            if update.named.writable:
                with contextlib.suppress(FaultError):
                    write_table(session, update).start()

    return Job("the other containers", "update the names of", write, has_task=False)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Suspend container VMs."""

from __future__ import annotations

from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_suspend import Suspend
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job


def suspend(subject: ContainerSubject, change: Suspend) -> Flow[None]:
    yield Job(change.machine.name, "suspend", subject.vm(change.machine).SuspendVM_Task)

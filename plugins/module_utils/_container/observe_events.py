# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe what has happened to the VMs of containers: the events that vCenter keeps, one request for each VM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.events import latest_events
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import type_name

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_PARALLEL = 8
# What events say has happened, and what caused it if only one cause is possible. Others have only a type and a message.
_ACTIONS: Mapping[str, tuple[str, str | None]] = {
    "VmCreatedEvent": ("created", None),
    "VmClonedEvent": ("created", None),
    "VmDeployedEvent": ("created", None),
    "VmPoweredOnEvent": ("started", None),
    "DrsVmPoweredOnEvent": ("started", None),
    "VmRestartedOnAlternateHostEvent": ("started", "ha"),
    "com.vmware.vc.ha.VmRestartedByHAEvent": ("started", "ha"),
    "VmPoweredOffEvent": ("stopped", None),
    "VmGuestShutdownEvent": ("shutdown", None),
    "VmSuspendedEvent": ("suspended", None),
    "VmResettingEvent": ("reset", None),
    "VmDasBeingResetEvent": ("reset", "ha"),
    "VmGuestRebootEvent": ("rebooted", None),
    "VmMigratedEvent": ("moved", None),
    "DrsVmMigratedEvent": ("moved", "drs"),
    "VmRelocatedEvent": ("moved", None),
    "VmReconfiguredEvent": ("reconfigured", None),
    "VmRenamedEvent": ("renamed", None),
    "VmFailedToPowerOnEvent": ("start_failed", None),
    "VmFailedMigrateEvent": ("move_failed", None),
    "VmDisconnectedEvent": ("disconnected", None),
    "VmConnectedEvent": ("connected", None),
}


def observe_events(session: Session, machines: Sequence[Machine], most: int) -> list[Machine]:
    """Return the containers with the latest events of their VMs, oldest first."""

    def with_events(machine: Machine) -> Machine:
        try:
            found = latest_events(session.content, session.ref("VirtualMachine", machine.moid), most)
        except FaultError as error:
            if error.kind != "ManagedObjectNotFound":  # removed in the meantime
                raise
            found = []
        return replace(machine, events=tuple(map(_event, found)))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        return list(pool.map(with_events, machines))


def _event(event: Any) -> dict[str, Any]:
    kind = getattr(event, "eventTypeId", None) or type_name(event)
    action, cause = _ACTIONS.get(kind, (None, None))
    return {
        "time": event.createdTime.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "action": action,
        "cause": cause or ("user" if event.userName else None),
        "user": event.userName or None,
        "host": _host(event.host),
        "source_host": _host(getattr(event, "sourceHost", None)),
        "type": kind,
        "message": event.fullFormattedMessage,
    }


def _host(argument: Any) -> str | None:
    return None if argument is None else str(argument.name)

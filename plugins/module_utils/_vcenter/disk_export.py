# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the beginning of a disk of a VM that is off through an export lease, whatever storage the disk is on.

Nothing is changed: the lease is aborted as soon as the beginning has been read. Until then vCenter refuses to start the
VM or to change it.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.leases import (
    TransferPlace,
    await_lease,
    leased_disk,
    session_headers,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.stream_disk import read_beginning
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.transfer import (
    Transport,
    receiver,
    transfer_connection,
)


def find_disk_beginning(
    transport: Transport, property_collector: Any, vm: Any, unit: int, size: int, accept: Callable[[bytes], bool]
) -> bytes | None:
    """Return the first ``size`` bytes of the VM's disk whose beginning is accepted; None if there is none.

    The disk with this number on its controller is read first.
    """
    lease = vm.ExportVm()
    try:
        info = await_lease(property_collector, lease, "export", threading.Event())
        devices = [device for device in info.deviceUrl if device.disk]
        for device in sorted(devices, key=lambda one: not str(one.key).endswith(f":{unit}")):
            beginning = _read_leased(transport, leased_disk(device), size)
            if accept(beginning):
                return beginning
        return None
    finally:
        # The user needs to see the original failure; a lease that cannot be aborted times out.
        with contextlib.suppress(GantryError):
            lease.HttpNfcLeaseAbort()


def _read_leased(transport: Transport, disk: TransferPlace, size: int) -> bytes:
    with transfer_connection(transport, disk.host) as connection:
        connection.request("GET", disk.path, headers=session_headers(transport.settings, transport.cookie, disk))
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise GantryError(
                f"{receiver(disk)} refused to send a disk: HTTP {response.status} {response.reason}. Look at the "
                "VM's recent tasks and at its host, and run again."
            )
        return read_beginning(response.read, size)

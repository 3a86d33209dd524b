# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases of imports and exports (HttpNfcLease): how long they take to be ready, and where files are transferred."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import read_objects
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.connection import EsxiHost
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.faults import FaultError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.lease_progress import refuse_stopped
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.settings import DEFAULT_PORT, ConnectionSettings

_READY_SECONDS = 300.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class TransferPlace:
    """Where a file is transferred. Without a host it is vCenter itself, for which the URL has "*"."""

    host: EsxiHost | None
    path: str


def await_lease(property_collector: Any, lease: Any, purpose: str, stop: threading.Event) -> Any:
    """Return the lease's info once it is ready for the transfers. ``purpose``: import or export."""
    deadline = time.monotonic() + _READY_SECONDS
    pause = _POLL_SECONDS
    while True:
        (row,) = read_objects(property_collector, [lease], ["state", "error", "info"])
        if row["state"] == vim.HttpNfcLease.State.ready:
            return row["info"]
        if row["state"] == vim.HttpNfcLease.State.error:
            raise FaultError(f"Cannot begin the {purpose}", row.get("error"))
        if time.monotonic() > deadline:
            raise GantryError(
                f"vCenter did not begin the {purpose} within {_READY_SECONDS:g} s. Look at its recent tasks."
            )
        refuse_stopped(stop.wait(pause))
        pause = min(2.0, pause * 2)


def leased_disk(device: Any) -> TransferPlace:
    """Return where the disk of one device URL is transferred."""
    return place_of_url(device.url, lambda _address: device)


def place_of_url(text: str, known_of: Callable[[str], Any]) -> TransferPlace:
    """Return where vCenter directs a transfer. ``known_of`` returns what has the certificate of the host, or None."""
    url = urlsplit(text)
    path = url.path + (f"?{url.query}" if url.query else "")
    if url.hostname in (None, "*"):
        return TransferPlace(None, path)
    known = known_of(str(url.hostname))
    thumbprint = getattr(known, "sslThumbprint", None)
    certificate = getattr(known, "sslCertificate", None)  # since pyVmomi 9.0
    port = url.port or DEFAULT_PORT
    return TransferPlace(EsxiHost(str(url.hostname), port, thumbprint or None, certificate or None), path)


def session_headers(settings: ConnectionSettings, cookie: str, disk: TransferPlace) -> dict[str, str]:
    """Return the session's cookie for vCenter only: the path contains a ticket, and no host may see the cookie."""
    if disk.host is None or (disk.host.address, disk.host.port) == (settings.hostname, settings.port):
        return {"Cookie": cookie}
    return {}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name the VMs that have an address of a container, which its guest knows only by their MAC addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_ADDRESS_IN_USE = "address_in_use"
_MAC = re.compile(r"MAC address ((?:[0-9a-f]{2}:){5}[0-9a-f]{2})")
_PATHS = ("name", "guest.net")


def name_owners(subject: ContainerSubject, status: Mapping[str, Any]) -> Flow[str | None]:
    """Return a sentence on the VMs that have the addresses; None if the guest has failed for another reason."""
    error = status.get("error") or {}
    if error.get("code") != _ADDRESS_IN_USE:
        return None
    session = subject.bench.session

    def read(_moids: list[str]) -> Job:
        return read_job("the adapters of VMs", partial(_names_by_mac, session))

    names: dict[str, str] = yield Gather("adapters", subject.id, read, single=True)
    macs = _MAC.findall(str(error.get("message") or ""))
    known = [f"{mac} is an adapter of the VM {names[mac]}" for mac in macs if mac in names]
    owners = listed(known) if known else "no VM of this vCenter reports an adapter with such a MAC address"
    return f"{owners}. Give the container another address, or remove the other device"


def _names_by_mac(session: Session) -> dict[str, str]:
    rows = session.read_all("VirtualMachine", _PATHS)
    return {
        str(nic.macAddress).lower(): decode_name(str(row.get("name", "")))
        for row in rows
        for nic in row.get("guest.net") or ()
        if nic.macAddress
    }

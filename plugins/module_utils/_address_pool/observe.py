# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the address pools of a datacenter, and the addresses that its VMs have: one bulk read each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.decode import (
    ALL_PATHS,
    RECORD_PATHS,
    decode_profile,
    decode_vms,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressedVm, NetworkProfile

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def read_profiles(session: Session, datacenter: str) -> list[NetworkProfile]:
    """Return the network protocol profiles of a datacenter, by its MoID."""
    manager = session.content.ipPoolManager
    return [decode_profile(one) for one in manager.QueryIpPools(session.ref("Datacenter", datacenter))]


def read_addresses(session: Session, datacenter: str | None = None, *, reported: bool = True) -> list[AddressedVm]:
    """Return the VMs with addresses, in their records and reported by guests; of one datacenter if it is given."""
    root = None if datacenter is None else session.ref("Datacenter", datacenter)
    paths = ALL_PATHS if reported else RECORD_PATHS
    return decode_vms(session.read_all("VirtualMachine", paths, root=root))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a port group: the inventory, then the switch or the hosts, then the VMs if it is to be removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.decode import (
    decode_host,
    decode_kernel_adapters,
    decode_switch,
    names_on,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    DesiredPortGroup,
    ObservedPortGroup,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.resolve import (
    PortGroupTarget,
    resolve_port_group,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import decode_name

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

HOST_PROPERTIES = (
    "configManager.networkSystem",
    "config.network.vswitch",
    "config.network.portgroup",
    "config.network.vnic",
)
_DISTRIBUTED = "DistributedVirtualPortgroup"


def observe_port_group(session: Session, desired: DesiredPortGroup) -> ObservedPortGroup:
    """Return the port group on its switch or on its hosts, and who uses it if it is to be removed."""
    target = resolve_port_group(session.inventory(), desired)
    rows = _read(session, target)
    observed = _distributed(desired, target, rows) if desired.distributed else _standard(desired, target, rows)
    if desired.present or target.network is None or not observed.exists:
        return observed
    return replace(observed, users=_read_users(session, desired, target, rows))


def _read(session: Session, target: PortGroupTarget) -> dict[str, Row]:
    """Return the properties of the switch or the hosts, and of the network, by MoID."""
    wanted = [*target.owners, *([target.network] if target.network is not None else [])]
    properties = {entry.type_name: _properties_of(entry) for entry in wanted}
    rows = {row.moid: row for row in session.read([entry.ref for entry in wanted], properties)}
    for owner in target.owners:
        if not set(_properties_of(owner)) - {"config.network.vnic", "config.network.portgroup"} <= set(
            rows.get(owner.moid, {})
        ):
            raise GantryError(
                f"The network configuration of {owner.path} cannot be read. Check that it is connected, and the "
                "privileges of this user."
            )
    return rows


def _properties_of(entry: Entry) -> tuple[str, ...]:
    if entry.type_name == "HostSystem":
        return HOST_PROPERTIES
    if entry.type_name == "Network":
        return ("vm",)
    return ("config", "vm") if entry.type_name == _DISTRIBUTED else ("config",)


def _distributed(desired: DesiredPortGroup, target: PortGroupTarget, rows: dict[str, Row]) -> ObservedPortGroup:
    (switch,) = target.owners
    network = target.network
    group = None if network is None or network.moid not in rows else rows[network.moid]["config"]
    place = decode_switch(switch.path, switch.moid, rows[switch.moid]["config"], group)
    moid = None if group is None or network is None else network.moid
    return ObservedPortGroup(desired.name, switch.name, True, (place,), moid, target.taken_by)


def _standard(desired: DesiredPortGroup, target: PortGroupTarget, rows: dict[str, Row]) -> ObservedPortGroup:
    places = tuple(decode_host(host.path, rows[host.moid], desired.name, desired.switch) for host in target.owners)
    moid = None if target.network is None else target.network.moid
    return ObservedPortGroup(desired.name, desired.switch, False, places, moid, target.taken_by)


def _read_users(
    session: Session, desired: DesiredPortGroup, target: PortGroupTarget, rows: dict[str, Row]
) -> tuple[str, ...]:
    """Return the VMs on the port group; of a standard one those of its hosts, and the hosts' own adapters."""
    row = None if target.network is None else rows.get(target.network.moid)
    machines = [] if row is None else list(row.get("vm") or ())
    named = session.read(machines, ["name", "runtime.host"])
    hosts = None if desired.distributed else frozenset(host.moid for host in target.owners)
    adapters = [
        f"{device} of {host.path}"
        for host in target.owners
        if not desired.distributed
        for device in decode_kernel_adapters(rows[host.moid], desired.name)
    ]
    return (*sorted(decode_name(name) for name in names_on(named, hosts)), *adapters)

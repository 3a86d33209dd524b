# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the cluster that an import goes through: what they can run, and which one takes the upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

_VERSION = "summary.config.product.version"
_CONNECTION = "runtime.connectionState"
_MAINTENANCE = "runtime.inMaintenanceMode"
_DATASTORES = "datastore"


@dataclass(frozen=True)
class Host:
    moid: str
    name: str
    version: str
    usable: bool
    """Connected, not in maintenance mode, and it sees the datastore."""


def read_hosts(session: Session, hosts: Sequence[Entry], datastore: str) -> list[Host]:
    names = {host.moid: host.name for host in hosts}
    rows = session.read([host.ref for host in hosts], [_VERSION, _CONNECTION, _MAINTENANCE, _DATASTORES])
    return [
        Host(
            moid=row.moid,
            name=names[row.moid],
            version=str(row.get(_VERSION, "")),
            usable=row.get(_CONNECTION) == "connected"
            and not row.get(_MAINTENANCE)
            and any(moid_of(ref) == datastore for ref in row.get(_DATASTORES) or ()),
        )
        for row in rows
    ]


def places_by_itself(session: Session, cluster: Entry) -> bool:
    """Whether vCenter finds the host: DRS does, and with a single host there is nothing to find."""
    if cluster.type_name != "ClusterComputeResource":
        return True
    rows = session.read([cluster.ref], ["configurationEx"])
    configuration: Any = rows[0].get("configurationEx") if rows else None
    return bool(getattr(getattr(configuration, "drsConfig", None), "enabled", False))


def choose_host(hosts: Sequence[Host], cluster: str, datastore: str) -> Host:
    """Any host will do: a template stays on none of them."""
    usable = [host for host in hosts if host.usable]
    if not usable:
        raise GantryError(
            f"No host of {cluster} can take an upload to datastore {datastore}: they must be connected, not in "
            f"maintenance mode, and see the datastore. It has {', '.join(host.name for host in hosts) or 'no hosts'}."
        )
    return min(usable, key=lambda host: host.name)

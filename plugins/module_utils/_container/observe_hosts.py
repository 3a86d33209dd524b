# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts for new VMs, where vCenter does not find them itself: in clusters without DRS."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import Clone
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.hosts import (
    UploadHost,
    places_by_itself,
    read_hosts,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def choose_hosts(session: Session, clones: Sequence[Clone]) -> dict[str, Any]:
    """The host of each container, by name, for which one has to be named."""
    self_placing: dict[str, bool] = {}
    usable: dict[tuple[str, str], list[UploadHost]] = {}
    chosen = {}
    for clone in clones:
        cluster, datastore = clone.place.cluster, clone.place.datastore
        if cluster is None or datastore is None:
            raise ValueError("a clone is made without a complete place")
        if cluster.moid not in self_placing:
            self_placing[cluster.moid] = places_by_itself(session, cluster)
        if self_placing[cluster.moid]:
            continue
        key = (cluster.moid, datastore.moid)
        if key not in usable:
            hosts = read_hosts(session, session.inventory().hosts(cluster), datastore.moid)
            usable[key] = sorted((host for host in hosts if host.usable), key=lambda host: host.name)
        if not usable[key]:
            raise GantryError(
                f"no host of {cluster.name} can take a container: it must be connected, not in maintenance mode, and "
                f"see the datastore {datastore.name}"
            )
        chosen[clone.container] = session.ref("HostSystem", spread(clone.container, usable[key]).moid)
    return chosen


def spread(name: str, hosts: Sequence[UploadHost]) -> UploadHost:
    """One of the hosts, the same for the same name, so that many containers go to all of them."""
    return hosts[zlib.crc32(name.encode()) % len(hosts)]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the settings of a cluster: one read of the inventory, one of the cluster's configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.decode import decode_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    DesiredSettings,
    ObservedSettings,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.resolve import pools_below, resolve_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import find_cluster, read_config
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_settings(session: Session, desired: DesiredSettings) -> ObservedSettings:
    """Return the cluster's settings, with everything needed to compare them with the desired ones."""
    inventory = session.inventory()
    datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
    cluster = find_cluster(inventory, desired.cluster, datacenter)
    config = read_config(session, cluster)
    return ObservedSettings(
        cluster=cluster,
        settings=decode_settings(config),
        wanted=resolve_settings(desired.settings, inventory, cluster),
        hosts={host.moid: host.name for host in inventory.hosts(cluster)},
        pools=tuple(pools_below(inventory, cluster)),
        policy=getattr(config.dasConfig, "admissionControlPolicy", None),
    )


def read_settings(session: Session, cluster: Entry) -> Settings:
    """Return the cluster's settings as they are now. One request."""
    return decode_settings(read_config(session, cluster))

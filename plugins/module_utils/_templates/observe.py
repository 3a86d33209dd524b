# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the templates that cannot be cloned because of their host, and another host for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.blockers import Blocker
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.decode_cluster import decode_host
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import (
    HostFacts,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.observe import read_hosts
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RegisteredTemplate, Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.target import choose_home
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


def observe_rehomings(
    session: Session, inventory: Inventory, templates: Sequence[RegisteredTemplate], pools: Iterable[Entry] = ()
) -> dict[str, Rehoming]:
    """Choose another host for each template, by its MoID: in its own cluster, else in another of the datacenter.

    One request, and none without templates. ``pools`` are preferred to the root pools of their clusters.
    """
    if not templates:
        return {}
    hosts = {one.facts.moid: _host(inventory, one) for one in templates}
    datacenters = {host.datacenter for host in hosts.values()}
    clusters = [
        entry for entry in inventory.all("ClusterComputeResource", "ComputeResource") if entry.datacenter in datacenters
    ]
    stores = {moid for one in templates for moid in one.facts.datastores}
    view = read_hosts(session, inventory, clusters, [e for moid in sorted(stores) if (e := inventory.entry(moid))])
    wanted = {moid_or_none(pool.properties.get("owner")) or "": pool.moid for pool in pools}
    found = {}
    for one in templates:
        host = hosts[one.facts.moid]
        origin = decode_host(host, host.properties)
        rehoming, blockers = choose_home(one, origin, view, _near(clusters, host), wanted)
        if rehoming is None:
            raise _stranded(one, origin, blockers)
        found[one.facts.moid] = rehoming
    return found


def _host(inventory: Inventory, template: RegisteredTemplate) -> Entry:
    host = inventory.entry(template.facts.host or "")
    if host is None:
        raise GantryError(f"The host of template {template.facts.path} cannot be read. Check the privileges.")
    return host


def _near(clusters: Sequence[Entry], host: Entry) -> list[str]:
    """Return the clusters of the host's datacenter, its own one first."""
    near = [entry for entry in clusters if entry.datacenter == host.datacenter]
    return [entry.moid for entry in sorted(near, key=lambda entry: (entry.moid != host.parent, entry.path))]


def _stranded(template: RegisteredTemplate, host: HostFacts, blockers: Sequence[Blocker]) -> GantryError:
    state = "in maintenance mode" if host.maintenance else host.connection
    reasons = listed(dict.fromkeys(blocker.message.rstrip(".") for blocker in blockers))
    others = f"no other host can take it: {reasons}" if reasons else "there is no other host that could take it"
    return GantryError(
        f"Template {template.facts.path} cannot be cloned, because it is registered on host {host.name}, which is "
        f"{state}, and {others}. Make {host.name} usable again, or the template's datastore available on another host.",
        details={"blockers": [blocker.as_result() for blocker in blockers]},
    )

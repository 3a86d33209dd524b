# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operation behind drs_cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.desire import parse_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.encode import decode_settings, encode_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    ObservedSettings,
    Settings,
    Wanted,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.options import settings_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.plan import (
    merge,
    plan_settings,
    refuse_loss_of_pools,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import (
    find_cluster,
    place_argument_spec,
    read_config,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ClusterOperation(Operation[Wanted, ObservedSettings, ChangeSetting]):
    name = "drs_cluster"
    argument_spec = argument_spec(**place_argument_spec(), **settings_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Wanted:
        return Wanted(params["cluster"], params["datacenter"], parse_settings(params))

    def observe(self, session: Session, desired: Wanted) -> ObservedSettings:
        inventory = session.inventory()
        datacenter = None if desired.datacenter is None else inventory.datacenter(desired.datacenter)
        cluster = find_cluster(inventory, desired.cluster, datacenter)
        return ObservedSettings(
            cluster=cluster,
            settings=decode_settings(read_config(session, cluster)),
            wanted=_resolve(desired.settings, inventory, cluster),
            hosts={host.moid: host.name for host in inventory.hosts(cluster)},
            pools=tuple(_pools(inventory, cluster)),
        )

    def plan(self, desired: Wanted, observed: ObservedSettings) -> Plan[ChangeSetting]:
        refuse_loss_of_pools(observed.wanted, observed.settings, observed.pools, observed.cluster.path)
        return plan_settings(observed.wanted, observed.settings, observed.hosts)

    def apply(
        self,
        session: Session,
        desired: Wanted,
        observed: ObservedSettings,
        plan: Plan[ChangeSetting],
        report: Report,
    ) -> ObservedSettings:
        cluster = observed.cluster
        spec = encode_settings(session, plan.changes, merge(observed.wanted, observed.settings))
        session.run_one(
            Job(cluster.name, "reconfigure", lambda: cluster.ref.ReconfigureComputeResource_Task(spec, True)), report
        )
        now = replace(observed, settings=decode_settings(read_config(session, cluster)))
        left = self.plan(desired, now)
        if left.changed:
            raise GantryError(
                f"vCenter accepted the settings of {cluster.path}, but these are still otherwise: "
                f"{', '.join(left.actions())}. Either this version of vCenter does not know them, or somebody else "
                "has changed them at the same time",
                details={"settings": _result(now)},
            )
        return now

    def result(self, desired: Wanted, observed: ObservedSettings) -> dict[str, Any]:
        return {"cluster": observed.cluster.path, "settings": _result(observed)}


def _result(observed: ObservedSettings) -> dict[str, Any]:
    settings, admission = observed.settings, observed.settings.admission
    return {
        **settings.drs,
        "advanced_options": dict(settings.advanced),
        "ha": {
            **settings.ha,
            "admission_control": None if admission is None else admission.view(observed.hosts),
        },
    }


def _resolve(wanted: Settings, inventory: Inventory, cluster: Entry) -> Settings:
    if wanted.admission is None or wanted.admission.failover_hosts is None:
        return wanted
    option = "ha.admission_control.failover_hosts"
    hosts = frozenset(
        inventory.host(name, cluster=cluster, what=option).moid for name in sorted(wanted.admission.failover_hosts)
    )
    return replace(wanted, admission=replace(wanted.admission, failover_hosts=hosts))


def _pools(inventory: Inventory, cluster: Entry) -> list[str]:
    """The resource pools and vApps below the cluster's own."""
    root = inventory.resource_pool(None, cluster=cluster)
    return [pool.path for pool in inventory.resource_pools(cluster) if pool.moid != root.moid]

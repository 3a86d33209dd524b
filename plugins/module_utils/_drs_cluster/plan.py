# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes between the desired and the observed settings of a cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeAdmission, ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_FIELDS,
    POLICY_HOSTS,
    POLICY_PERCENTAGE,
    SETTING_FIELDS,
    AdmissionControl,
    ObservedSettings,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan

_DEFAULT_FAILURES = 1


def plan_cluster(observed: ObservedSettings) -> Plan[ChangeSetting]:
    """Return the changes to the cluster's settings; refuse those that would destroy resource pools."""
    refuse_loss_of_pools(observed.wanted, observed.settings, observed.pools, observed.cluster.path)
    return plan_settings(observed.wanted, observed.settings, observed.hosts)


def plan_settings(wanted: Settings, found: Settings, names: Mapping[str, str]) -> Plan[ChangeSetting]:
    """Return the requested settings that differ from the current ones. ``names`` are the names of hosts, by MoID."""
    after = merge(wanted, found)
    changes = [ChangeSetting((name,), found.drs.get(name), after.drs[name]) for name in wanted.drs]
    changes += [
        ChangeSetting(("advanced_options", key), found.advanced.get(key), value)
        for key, value in sorted(wanted.advanced.items())
    ]
    changes += [ChangeSetting(("ha", name), found.ha.get(name), after.ha[name]) for name in wanted.ha]
    if wanted.admission is not None and after.admission is not None:
        old = None if found.admission is None else found.admission.view(names)
        new = after.admission.view(names)
        changes.append(ChangeAdmission(("ha", "admission_control"), old, new, after.admission))
    return Plan(tuple(change for change in changes if change.old != change.new))


def merge(wanted: Settings, found: Settings) -> Settings:
    """Return all settings as they are after the requested ones are applied."""
    advanced = {**found.advanced, **wanted.advanced}
    return Settings(
        drs={**found.drs, **wanted.drs},
        advanced={key: value for key, value in advanced.items() if value is not None},
        ha={**found.ha, **wanted.ha},
        admission=_merge_admission(wanted.admission, found.admission),
    )


def refuse_loss_of_pools(wanted: Settings, found: Settings, pools: Iterable[str], cluster: str) -> None:
    """Refuse to disable DRS if vCenter would then destroy resource pools, with their shares and permissions."""
    lost = sorted(pools)
    if lost and wanted.drs.get("enabled") is False and found.drs.get("enabled"):
        raise GantryError(
            f"DRS of {cluster} cannot be disabled while it has resource pools, because vCenter would destroy them: "
            f"{', '.join(lost)}. Set automation_level: manual and migration_threshold: 1 instead, so that DRS does "
            "nothing by itself, or remove the resource pools first.",
            details={"resource_pools": lost},
        )


def _merge_admission(wanted: AdmissionControl | None, found: AdmissionControl | None) -> AdmissionControl | None:
    if wanted is None:
        return found
    known = found if found is not None and found.policy == wanted.policy else AdmissionControl(wanted.policy)
    given = {name: getattr(wanted, name) for name in SETTING_FIELDS if getattr(wanted, name) is not None}
    if wanted.policy == POLICY_PERCENTAGE and given.keys() == {"host_failures_tolerated"}:
        # vCenter computes the percentages again.
        known = replace(known, cpu_percent=None, memory_percent=None)
    merged = replace(known, **given)
    if merged.host_failures_tolerated is None and "host_failures_tolerated" in POLICY_FIELDS[merged.policy]:
        merged = replace(merged, host_failures_tolerated=_DEFAULT_FAILURES)
    if merged.policy == POLICY_HOSTS and not merged.failover_hosts:
        raise GantryError(f"ha.admission_control.failover_hosts is required for the policy {POLICY_HOSTS}.")
    return merged

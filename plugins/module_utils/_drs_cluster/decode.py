# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decode the cluster's configurationEx into the settings of DRS and HA. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_DISABLED,
    POLICY_HOSTS,
    POLICY_PERCENTAGE,
    POLICY_SLOTS,
    SCALED,
    THRESHOLDS,
    AdmissionControl,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moids_of, type_name

_DEFAULT_RATE = 3
_POLICIES = {
    "ClusterFailoverLevelAdmissionControlPolicy": POLICY_SLOTS,
    "ClusterFailoverResourcesAdmissionControlPolicy": POLICY_PERCENTAGE,
    "ClusterFailoverHostAdmissionControlPolicy": POLICY_HOSTS,
}


def decode_settings(config: Any) -> Settings:
    """Return the settings in a ClusterConfigInfoEx, with the reference's defaults for what is unset."""
    drs, ha, proactive = config.drsConfig, config.dasConfig, config.proactiveDrsConfig
    rate = getattr(drs, "vmotionRate", None) or _DEFAULT_RATE
    behavior = getattr(drs, "defaultVmBehavior", None)
    return Settings(
        drs={
            "enabled": bool(getattr(drs, "enabled", None)),
            "automation_level": LEVELS[str(behavior)] if behavior is not None else None,
            "migration_threshold": THRESHOLDS - rate,
            "scalable_shares": getattr(drs, "scaleDescendantsShares", None) == SCALED,
            "vm_overrides": getattr(drs, "enableVmBehaviorOverrides", None) is not False,
            "predictive_drs": bool(getattr(proactive, "enabled", None)),
        },
        # A removed option may remain with an empty value.
        advanced={
            option.key: str(option.value)
            for option in getattr(drs, "option", None) or ()
            if option.value not in (None, "")
        },
        ha={
            "enabled": bool(getattr(ha, "enabled", None)),
            "host_monitoring": getattr(ha, "hostMonitoring", None) != "disabled",
        },
        admission=_admission(ha),
    )


def _admission(ha: Any) -> AdmissionControl | None:
    policy = getattr(ha, "admissionControlPolicy", None)
    if getattr(ha, "admissionControlEnabled", None) is False:
        return AdmissionControl(POLICY_DISABLED)
    if policy is None or type_name(policy) not in _POLICIES:
        return None
    kind = _POLICIES[type_name(policy)]
    if kind == POLICY_SLOTS:
        return AdmissionControl(kind, policy.failoverLevel)
    if kind == POLICY_HOSTS:
        return AdmissionControl(kind, failover_hosts=moids_of(policy.failoverHosts))
    automatic = bool(policy.autoComputePercentages)
    return AdmissionControl(
        kind,
        policy.failoverLevel,
        None if automatic else policy.cpuFailoverResourcesPercent,
        None if automatic else policy.memoryFailoverResourcesPercent,
    )

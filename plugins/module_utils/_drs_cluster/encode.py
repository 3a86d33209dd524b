# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a cluster as vCenter's API has them: read from configurationEx, written as one specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_DISABLED,
    POLICY_HOSTS,
    POLICY_PERCENTAGE,
    POLICY_SLOTS,
    AdmissionControl,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import API_LEVELS, LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moids_of, type_name, vim

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The UI's scale goes from 1 (conservative) to 5 (aggressive). The API's vmotionRate goes the other way: the reference
# of ClusterDrsConfigInfo calls 5 the lowest aggressiveness, at which only mandatory moves are recommended.
_THRESHOLDS = 6
_DEFAULT_RATE = 3
_SCALED = "scaleCpuAndMemoryShares"
_UNSCALED = "disabled"
_POLICIES = {
    "ClusterFailoverLevelAdmissionControlPolicy": POLICY_SLOTS,
    "ClusterFailoverResourcesAdmissionControlPolicy": POLICY_PERCENTAGE,
    "ClusterFailoverHostAdmissionControlPolicy": POLICY_HOSTS,
}


def decode_settings(config: Any) -> Settings:
    """The settings in a ClusterConfigInfoEx, with the reference's defaults for what is unset."""
    drs, ha, proactive = config.drsConfig, config.dasConfig, config.proactiveDrsConfig
    rate = getattr(drs, "vmotionRate", None) or _DEFAULT_RATE
    behavior = getattr(drs, "defaultVmBehavior", None)
    return Settings(
        drs={
            "enabled": bool(getattr(drs, "enabled", None)),
            "automation_level": LEVELS[str(behavior)] if behavior is not None else None,
            "migration_threshold": _THRESHOLDS - rate,
            "scalable_shares": getattr(drs, "scaleDescendantsShares", None) == _SCALED,
            "vm_overrides": getattr(drs, "enableVmBehaviorOverrides", None) is not False,
            "predictive_drs": bool(getattr(proactive, "enabled", None)),
        },
        # An option that was removed may be left behind empty.
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


def encode_settings(session: Session, changes: Iterable[ChangeSetting], after: Settings) -> Any:
    """A ClusterConfigSpecEx with what changes; admission control as a whole."""
    spec = vim.cluster.ConfigSpecEx()
    for change in changes:
        if change.path[0] == "ha":
            _encode_ha(session, spec, change, after)
        elif change.path[0] == "predictive_drs":
            spec.proactiveDrsConfig = vim.cluster.ProactiveDrsConfigInfo(enabled=change.new)
        else:
            _encode_drs(spec, change)
    return spec


def _encode_drs(spec: Any, change: ChangeSetting) -> None:
    if spec.drsConfig is None:
        spec.drsConfig = vim.cluster.DrsConfigInfo()
    drs, name = spec.drsConfig, change.path[0]
    if name == "enabled":
        drs.enabled = change.new
    elif name == "automation_level":
        drs.defaultVmBehavior = API_LEVELS[change.new]
    elif name == "migration_threshold":
        drs.vmotionRate = _THRESHOLDS - change.new
    elif name == "scalable_shares":
        drs.scaleDescendantsShares = _SCALED if change.new else _UNSCALED
    elif name == "vm_overrides":
        drs.enableVmBehaviorOverrides = change.new
    elif name == "advanced_options":
        # Options are merged by their keys; an empty value removes one.
        drs.option = [*drs.option, vim.option.OptionValue(key=change.path[1], value=change.new or "")]
    else:
        raise ValueError(f"{name} cannot be written")


def _encode_ha(session: Session, spec: Any, change: ChangeSetting, after: Settings) -> None:
    if spec.dasConfig is None:
        spec.dasConfig = vim.cluster.DasConfigInfo()
    ha, name = spec.dasConfig, change.path[1]
    if name == "enabled":
        ha.enabled = change.new
    elif name == "host_monitoring":
        ha.hostMonitoring = "enabled" if change.new else "disabled"
    elif name == "admission_control" and after.admission is not None:
        ha.admissionControlEnabled = after.admission.policy != POLICY_DISABLED
        if ha.admissionControlEnabled:
            ha.admissionControlPolicy = _policy(session, after.admission)
    else:
        raise ValueError(f"ha.{name} cannot be written")


def _policy(session: Session, admission: AdmissionControl) -> Any:
    if admission.policy == POLICY_SLOTS:
        return vim.cluster.FailoverLevelAdmissionControlPolicy(failoverLevel=admission.host_failures_tolerated)
    if admission.policy == POLICY_HOSTS:
        hosts = [session.ref("HostSystem", moid) for moid in sorted(admission.failover_hosts or ())]
        return vim.cluster.FailoverHostAdmissionControlPolicy(failoverHosts=hosts)
    automatic = admission.cpu_percent is None
    # The percentages are required by the API's schema, and not looked at where vCenter works them out.
    return vim.cluster.FailoverResourcesAdmissionControlPolicy(
        failoverLevel=admission.host_failures_tolerated,
        autoComputePercentages=automatic,
        cpuFailoverResourcesPercent=0 if automatic else admission.cpu_percent,
        memoryFailoverResourcesPercent=0 if automatic else admission.memory_percent,
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

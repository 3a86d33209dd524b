# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode changed settings of a cluster as the API's cluster specification."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.changes import ChangeAdmission, ChangeSetting
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_DISABLED,
    POLICY_HOSTS,
    POLICY_SLOTS,
    SCALED,
    THRESHOLDS,
    AdmissionControl,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import API_LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import vim

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


_UNSCALED = "disabled"


# The fields that all policies have, and no option changes.
_COMMON_FIELDS = ("resourceReductionToToleratePercent", "pMemAdmissionControlEnabled")


def encode_settings(session: Session, changes: Iterable[ChangeSetting], policy: Any) -> Any:
    """Return a ClusterConfigSpecEx with what changes; ``policy`` is the current one of HA's admission control."""
    spec = vim.cluster.ConfigSpecEx()
    for change in changes:
        if change.path[0] == "ha":
            _encode_ha(session, spec, change, policy)
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
        drs.vmotionRate = THRESHOLDS - change.new
    elif name == "scalable_shares":
        drs.scaleDescendantsShares = SCALED if change.new else _UNSCALED
    elif name == "vm_overrides":
        drs.enableVmBehaviorOverrides = change.new
    elif name == "advanced_options":
        # Options are merged by their keys; an empty value removes one.
        drs.option = [*drs.option, vim.option.OptionValue(key=change.path[1], value=change.new or "")]
    else:
        raise ValueError(f"{name} cannot be written")


def _encode_ha(session: Session, spec: Any, change: ChangeSetting, policy: Any) -> None:
    if spec.dasConfig is None:
        spec.dasConfig = vim.cluster.DasConfigInfo()
    ha, name = spec.dasConfig, change.path[1]
    if name == "enabled":
        ha.enabled = change.new
    elif name == "host_monitoring":
        ha.hostMonitoring = "enabled" if change.new else "disabled"
    elif isinstance(change, ChangeAdmission):
        ha.admissionControlEnabled = change.admission.policy != POLICY_DISABLED
        if ha.admissionControlEnabled:
            ha.admissionControlPolicy = _encode_policy(session, change.admission, policy)
    else:
        raise ValueError(f"ha.{name} cannot be written")


def _encode_policy(session: Session, admission: AdmissionControl, found: Any) -> Any:
    """Encode a policy with all fields of the current one, since vCenter may replace it as a whole."""
    if admission.policy == POLICY_SLOTS:
        policy = _based_on(found, vim.cluster.FailoverLevelAdmissionControlPolicy)
        policy.failoverLevel = admission.host_failures_tolerated
        return policy
    if admission.policy == POLICY_HOSTS:
        policy = _based_on(found, vim.cluster.FailoverHostAdmissionControlPolicy)
        policy.failoverHosts = [session.ref("HostSystem", moid) for moid in sorted(admission.failover_hosts or ())]
        return policy
    policy = _based_on(found, vim.cluster.FailoverResourcesAdmissionControlPolicy)
    automatic = admission.cpu_percent is None
    policy.failoverLevel = admission.host_failures_tolerated
    policy.autoComputePercentages = automatic
    # The API's schema requires the percentages, but vCenter ignores them where it computes them itself.
    policy.cpuFailoverResourcesPercent = 0 if automatic else admission.cpu_percent
    policy.memoryFailoverResourcesPercent = 0 if automatic else admission.memory_percent
    return policy


def _based_on(found: Any, kind: Any) -> Any:
    """Return a copy of the current policy, or one of another kind with what all policies have in common."""
    if isinstance(found, kind):
        return copy.copy(found)
    policy = kind()
    for name in _COMMON_FIELDS:
        if (value := getattr(found, name, None)) is not None:
            setattr(policy, name, value)
    return policy

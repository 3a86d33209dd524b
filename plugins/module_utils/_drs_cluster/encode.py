# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encode changed settings of a cluster as the API's cluster specification."""

from __future__ import annotations

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


def encode_settings(session: Session, changes: Iterable[ChangeSetting]) -> Any:
    """Return a ClusterConfigSpecEx with what changes; admission control as a whole."""
    spec = vim.cluster.ConfigSpecEx()
    for change in changes:
        if change.path[0] == "ha":
            _encode_ha(session, spec, change)
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


def _encode_ha(session: Session, spec: Any, change: ChangeSetting) -> None:
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
            ha.admissionControlPolicy = _policy(session, change.admission)
    else:
        raise ValueError(f"ha.{name} cannot be written")


def _policy(session: Session, admission: AdmissionControl) -> Any:
    if admission.policy == POLICY_SLOTS:
        return vim.cluster.FailoverLevelAdmissionControlPolicy(failoverLevel=admission.host_failures_tolerated)
    if admission.policy == POLICY_HOSTS:
        hosts = [session.ref("HostSystem", moid) for moid in sorted(admission.failover_hosts or ())]
        return vim.cluster.FailoverHostAdmissionControlPolicy(failoverHosts=hosts)
    automatic = admission.cpu_percent is None
    # The API's schema requires the percentages, but vCenter ignores them where it computes them itself.
    return vim.cluster.FailoverResourcesAdmissionControlPolicy(
        failoverLevel=admission.host_failures_tolerated,
        autoComputePercentages=automatic,
        cpuFailoverResourcesPercent=0 if automatic else admission.cpu_percent,
        memoryFailoverResourcesPercent=0 if automatic else admission.memory_percent,
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the options of drs_cluster to the desired settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_FIELDS,
    SETTING_FIELDS,
    AdmissionControl,
    DesiredSettings,
    Settings,
)


def desire_settings(params: Mapping[str, Any]) -> DesiredSettings:
    """Return the validated settings of a task. ``failover_hosts`` are still names."""
    return DesiredSettings(params["cluster"], params["datacenter"], _settings(params))


def _settings(params: Mapping[str, Any]) -> Settings:
    ha = params["ha"] or {}
    return Settings(
        drs={
            name: params[name]
            for name in (
                "enabled",
                "automation_level",
                "migration_threshold",
                "scalable_shares",
                "vm_overrides",
                "predictive_drs",
            )
            if params[name] is not None
        },
        advanced={str(key): _advanced(str(key), value) for key, value in (params["advanced_options"] or {}).items()},
        ha={name: ha[name] for name in ("enabled", "host_monitoring") if ha.get(name) is not None},
        admission=_admission(ha.get("admission_control")),
    )


def _admission(params: Mapping[str, Any] | None) -> AdmissionControl | None:
    if params is None:
        return None
    option, policy = "ha.admission_control", params["policy"]
    for name in SETTING_FIELDS:
        if params[name] is not None and name not in POLICY_FIELDS[policy]:
            raise GantryError(f"{option}.{name} has no effect with the policy {policy}.")
    if (params["cpu_percent"] is None) != (params["memory_percent"] is None):
        raise GantryError(f"{option}.cpu_percent and memory_percent must be given together.")
    for name in ("cpu_percent", "memory_percent"):
        if params[name] is not None and not 0 <= params[name] <= 100:
            raise GantryError(f"{option}.{name} is {params[name]}; it must be a percentage from 0 to 100.")
    failures = params["host_failures_tolerated"]
    if failures is not None and failures < 1:
        raise GantryError(f"{option}.host_failures_tolerated is {failures}; it must be 1 or more.")
    hosts = params["failover_hosts"]
    return AdmissionControl(
        policy,
        failures,
        params["cpu_percent"],
        params["memory_percent"],
        None if hosts is None else frozenset(hosts),
    )


def _advanced(key: str, value: Any) -> str | None:
    if not key.strip():
        raise GantryError("advanced_options has an option without a name.")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise GantryError(
            f"advanced_options.{key} is {value!r}; give a string or a number such as '1', or null to remove the option."
        )
    return str(value)

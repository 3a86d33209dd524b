# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a cluster's DRS and HA: what is asked for, what there is, and the changes between the two. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._core.plan import Plan, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._drs.model import AUTOMATION_LEVELS

POLICY_DISABLED = "disabled"
POLICY_SLOTS = "slot_policy"
POLICY_PERCENTAGE = "cluster_resource_percentage"
POLICY_HOSTS = "dedicated_failover_hosts"
POLICIES = (POLICY_DISABLED, POLICY_SLOTS, POLICY_PERCENTAGE, POLICY_HOSTS)

# What each policy has besides its name.
_POLICY_FIELDS: dict[str, tuple[str, ...]] = {
    POLICY_DISABLED: (),
    POLICY_SLOTS: ("host_failures_tolerated",),
    POLICY_PERCENTAGE: ("host_failures_tolerated", "cpu_percent", "memory_percent"),
    POLICY_HOSTS: ("failover_hosts",),
}
_FIELDS = ("host_failures_tolerated", "cpu_percent", "memory_percent", "failover_hosts")
_DEFAULT_FAILURES = 1


@dataclass(frozen=True)
class AdmissionControl:
    """Which VMs HA refuses to power on, so that it can restart others. ``failover_hosts`` are MoIDs.

    Percentages that are None are worked out by vCenter from the number of failures.
    """

    policy: str
    host_failures_tolerated: int | None = None
    cpu_percent: int | None = None
    memory_percent: int | None = None
    failover_hosts: frozenset[str] | None = None

    def view(self, names: Mapping[str, str]) -> dict[str, Any]:
        """As a user knows it: the fields of its policy."""
        view: dict[str, Any] = {"policy": self.policy}
        for name in _POLICY_FIELDS[self.policy]:
            value = getattr(self, name)
            if name == "failover_hosts":
                value = sorted(names.get(moid, moid) for moid in value or ())
            if value is not None:
                view[name] = value
        return view


@dataclass(frozen=True)
class Settings:
    """The settings by the names of their options. In what is asked for, only those that are given.

    ``advanced``: an option that is None is not to be there.
    """

    drs: Mapping[str, Any] = field(default_factory=dict)
    advanced: Mapping[str, str | None] = field(default_factory=dict)
    ha: Mapping[str, Any] = field(default_factory=dict)
    admission: AdmissionControl | None = None


@dataclass(frozen=True)
class ChangeSetting:
    """One setting; ``path`` is where its option is. An advanced option that is not there is None."""

    path: tuple[str, ...]
    old: Any
    new: Any

    def describe(self) -> str:
        name = ".".join(self.path)
        if self.new is None:
            return f"remove {name}"
        return f"set {name}: {_text(self.new)}"

    def before(self) -> Mapping[str, Any]:
        return {} if self.old is None else nested(*self.path, value=self.old)

    def after(self) -> Mapping[str, Any]:
        return {} if self.new is None else nested(*self.path, value=self.new)


def settings_argument_spec() -> dict[str, dict[str, Any]]:
    """No defaults here: what is not given stays as it is."""
    return {
        "enabled": {"type": "bool"},
        "automation_level": {"type": "str", "choices": list(AUTOMATION_LEVELS)},
        "migration_threshold": {"type": "int", "choices": [1, 2, 3, 4, 5]},
        "scalable_shares": {"type": "bool"},
        "vm_overrides": {"type": "bool"},
        "predictive_drs": {"type": "bool"},
        "advanced_options": {"type": "dict"},
        "ha": {
            "type": "dict",
            "options": {
                "enabled": {"type": "bool"},
                "host_monitoring": {"type": "bool"},
                "admission_control": {
                    "type": "dict",
                    "options": {
                        "policy": {"type": "str", "choices": list(POLICIES), "required": True},
                        "host_failures_tolerated": {"type": "int"},
                        "cpu_percent": {"type": "int"},
                        "memory_percent": {"type": "int"},
                        "failover_hosts": {"type": "list", "elements": "str"},
                    },
                },
            },
        },
    }


def parse_settings(params: Mapping[str, Any]) -> Settings:
    """The settings that a task gives. ``failover_hosts`` are names still."""
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


def plan_settings(wanted: Settings, found: Settings, names: Mapping[str, str]) -> Plan[ChangeSetting]:
    """What of the settings asked for is otherwise. ``names``: of hosts, by MoID."""
    after = merge(wanted, found)
    changes = [ChangeSetting((name,), found.drs.get(name), after.drs[name]) for name in wanted.drs]
    changes += [
        ChangeSetting(("advanced_options", key), found.advanced.get(key), value)
        for key, value in sorted(wanted.advanced.items())
    ]
    changes += [ChangeSetting(("ha", name), found.ha.get(name), after.ha[name]) for name in wanted.ha]
    if wanted.admission is not None and after.admission is not None:
        old = None if found.admission is None else found.admission.view(names)
        changes.append(ChangeSetting(("ha", "admission_control"), old, after.admission.view(names)))
    return Plan(tuple(change for change in changes if change.old != change.new))


def merge(wanted: Settings, found: Settings) -> Settings:
    """All settings once those asked for are made."""
    advanced = {**found.advanced, **wanted.advanced}
    return Settings(
        drs={**found.drs, **wanted.drs},
        advanced={key: value for key, value in advanced.items() if value is not None},
        ha={**found.ha, **wanted.ha},
        admission=_merge_admission(wanted.admission, found.admission),
    )


def refuse_loss_of_pools(wanted: Settings, found: Settings, pools: Iterable[str], cluster: str) -> None:
    """Where DRS is disabled vCenter destroys all resource pools of the cluster, with their shares and permissions."""
    lost = sorted(pools)
    if lost and wanted.drs.get("enabled") is False and found.drs.get("enabled"):
        raise GantryError(
            f"DRS of {cluster} cannot be disabled while it has resource pools, because vCenter would destroy them: "
            f"{', '.join(lost)}. Have it do nothing by itself instead (automation_level: manual, "
            "migration_threshold: 1), or remove the resource pools first",
            details={"resource_pools": lost},
        )


def _merge_admission(wanted: AdmissionControl | None, found: AdmissionControl | None) -> AdmissionControl | None:
    if wanted is None:
        return found
    known = found if found is not None and found.policy == wanted.policy else AdmissionControl(wanted.policy)
    given = {name: getattr(wanted, name) for name in _FIELDS if getattr(wanted, name) is not None}
    if wanted.policy == POLICY_PERCENTAGE and given.keys() == {"host_failures_tolerated"}:
        # vCenter is to work the percentages out again.
        known = replace(known, cpu_percent=None, memory_percent=None)
    merged = replace(known, **given)
    if merged.host_failures_tolerated is None and "host_failures_tolerated" in _POLICY_FIELDS[merged.policy]:
        merged = replace(merged, host_failures_tolerated=_DEFAULT_FAILURES)
    if merged.policy == POLICY_HOSTS and not merged.failover_hosts:
        raise GantryError(f"ha.admission_control.failover_hosts is needed for the policy {POLICY_HOSTS}")
    return merged


def _admission(params: Mapping[str, Any] | None) -> AdmissionControl | None:
    if params is None:
        return None
    option, policy = "ha.admission_control", params["policy"]
    for name in _FIELDS:
        if params[name] is not None and name not in _POLICY_FIELDS[policy]:
            raise GantryError(f"{option}.{name} has no effect with the policy {policy}")
    if (params["cpu_percent"] is None) != (params["memory_percent"] is None):
        raise GantryError(f"{option}.cpu_percent and memory_percent need one another")
    for name in ("cpu_percent", "memory_percent"):
        if params[name] is not None and not 0 <= params[name] <= 100:
            raise GantryError(f"{option}.{name} is {params[name]}; it is a percentage from 0 to 100")
    failures = params["host_failures_tolerated"]
    if failures is not None and failures < 1:
        raise GantryError(f"{option}.host_failures_tolerated is {failures}; it must be 1 or more")
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
        raise GantryError("advanced_options has an option without a name")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        raise GantryError(
            f"advanced_options.{key} is {value!r}; give a text or a number such as '1', or null to remove the option"
        )
    return str(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)

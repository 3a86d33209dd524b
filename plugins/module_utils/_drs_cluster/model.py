# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of DRS and HA of a cluster, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

SETTING_FIELDS = ("host_failures_tolerated", "cpu_percent", "memory_percent", "failover_hosts")

# The UI's scale goes from 1 (conservative) to 5 (aggressive). The API's vmotionRate is the reverse: the reference
# of ClusterDrsConfigInfo calls 5 the lowest aggressiveness, at which only mandatory moves are recommended.
THRESHOLDS = 6
# The API calls this "scalable shares".
SCALED = "scaleCpuAndMemoryShares"

POLICY_DISABLED = "disabled"
POLICY_SLOTS = "slot_policy"
POLICY_PERCENTAGE = "cluster_resource_percentage"
POLICY_HOSTS = "dedicated_failover_hosts"
POLICIES = (POLICY_DISABLED, POLICY_SLOTS, POLICY_PERCENTAGE, POLICY_HOSTS)
# The fields of each policy besides its name.
POLICY_FIELDS: dict[str, tuple[str, ...]] = {
    POLICY_DISABLED: (),
    POLICY_SLOTS: ("host_failures_tolerated",),
    POLICY_PERCENTAGE: ("host_failures_tolerated", "cpu_percent", "memory_percent"),
    POLICY_HOSTS: ("failover_hosts",),
}


@dataclass(frozen=True)
class AdmissionControl:
    """HA's admission control: the capacity that it reserves for failover. ``failover_hosts`` are MoIDs.

    vCenter computes percentages that are None from the number of host failures.
    """

    policy: str
    host_failures_tolerated: int | None = None
    cpu_percent: int | None = None
    memory_percent: int | None = None
    failover_hosts: frozenset[str] | None = None

    def view(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields of its policy, as the module's options."""
        view: dict[str, Any] = {"policy": self.policy}
        for name in POLICY_FIELDS[self.policy]:
            value = getattr(self, name)
            if name == "failover_hosts":
                value = sorted(names.get(moid, moid) for moid in value or ())
            if value is not None:
                view[name] = value
        return view


@dataclass(frozen=True)
class Settings:
    """The settings by the names of their options. Desired settings have only the options that the task gives.

    ``advanced``: an option that is None is removed.
    """

    drs: Mapping[str, Any] = field(default_factory=dict)
    advanced: Mapping[str, str | None] = field(default_factory=dict)
    ha: Mapping[str, Any] = field(default_factory=dict)
    admission: AdmissionControl | None = None


@dataclass(frozen=True)
class DesiredSettings:
    cluster: str | None
    datacenter: str | None
    settings: Settings


@dataclass(frozen=True)
class ObservedSettings:
    """The cluster's settings. ``wanted`` has MoIDs of hosts; ``hosts`` has names by MoID; ``pools`` are paths.

    ``policy`` is HA's admission control policy as read, with the fields that no option changes.
    """

    cluster: Entry
    settings: Settings
    wanted: Settings
    hosts: Mapping[str, str]
    pools: tuple[str, ...]
    policy: Any = field(default=None, compare=False, repr=False)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test settings of a cluster: plans that converge, admission control, and the encoding for the API."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.decode import decode_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.desire import desire_settings
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.model import (
    POLICY_DISABLED,
    POLICY_HOSTS,
    POLICY_PERCENTAGE,
    POLICY_SLOTS,
    AdmissionControl,
    ObservedSettings,
    Settings,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.options import settings_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_cluster.plan import (
    merge,
    plan_settings,
    refuse_loss_of_pools,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._drs_rules.model import AUTOMATION_LEVELS
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.clusters import place_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from tests.support.builders.drs import params

_admissions = st.one_of(
    st.just(AdmissionControl(POLICY_DISABLED)),
    st.builds(AdmissionControl, st.just(POLICY_SLOTS), st.integers(1, 3)),
    st.builds(AdmissionControl, st.just(POLICY_PERCENTAGE), st.integers(1, 3)),
    st.builds(AdmissionControl, st.just(POLICY_PERCENTAGE), st.just(1), st.integers(0, 100), st.integers(0, 100)),
    st.builds(AdmissionControl, st.just(POLICY_HOSTS), failover_hosts=st.frozensets(st.sampled_from("ab"), min_size=1)),
)
_drs = {
    "enabled": st.booleans(),
    "automation_level": st.sampled_from(AUTOMATION_LEVELS),
    "migration_threshold": st.integers(1, 5),
    "scalable_shares": st.booleans(),
    "vm_overrides": st.booleans(),
    "predictive_drs": st.booleans(),
}
_ha = {"enabled": st.booleans(), "host_monitoring": st.booleans()}
_found = st.builds(
    Settings,
    drs=st.fixed_dictionaries(_drs),
    advanced=st.dictionaries(st.sampled_from("xyz"), st.sampled_from("01")),
    ha=st.fixed_dictionaries(_ha),
    admission=_admissions,
)
_wanted = st.builds(
    Settings,
    drs=st.fixed_dictionaries({}, optional=_drs),
    advanced=st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["0", "1", None])),
    ha=st.fixed_dictionaries({}, optional=_ha),
    admission=st.one_of(st.none(), _admissions),
)


@given(_wanted, _found)
def test_a_second_plan_is_empty(wanted: Settings, found: Settings) -> None:
    after = merge(wanted, found)
    made = plan_settings(wanted, found, {})
    assert plan_settings(wanted, after, {}).changes == ()
    assert made.changed == (after != found)
    assert made.project(observed(wanted, found)).settings == after
    assert all(after.drs[name] == value for name, value in wanted.drs.items())
    assert all(after.advanced.get(key) == value for key, value in wanted.advanced.items())
    assert {**found.advanced, **wanted.advanced}.keys() >= after.advanced.keys()


def observed(wanted: Settings, found: Settings) -> ObservedSettings:
    return ObservedSettings(
        Entry("C0", "/DC0/host/C0", "ClusterComputeResource", "domain-c1", None), found, wanted, {}, ()
    )


def parsed(**options: Any) -> Settings:
    return desire_settings(params({**place_argument_spec(), **settings_argument_spec()}, **options)).settings


def test_percentages_are_kept_or_computed_again() -> None:
    found = Settings(admission=AdmissionControl(POLICY_PERCENTAGE, 1, 30, 40))
    kept = parsed(ha={"admission_control": {"policy": POLICY_PERCENTAGE}})
    assert not plan_settings(kept, found, {}).changed
    again = parsed(ha={"admission_control": {"policy": POLICY_PERCENTAGE, "host_failures_tolerated": 1}})
    assert merge(again, found).admission == AdmissionControl(POLICY_PERCENTAGE, 1)
    slots = parsed(ha={"admission_control": {"policy": POLICY_SLOTS}})
    assert merge(slots, found).admission == AdmissionControl(POLICY_SLOTS, 1)


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ({"policy": POLICY_DISABLED, "host_failures_tolerated": 1}, "no effect"),
        ({"policy": POLICY_PERCENTAGE, "memory_percent": 1}, "must be given together"),
        ({"policy": POLICY_PERCENTAGE, "cpu_percent": 101, "memory_percent": 1}, "from 0 to 100"),
        ({"policy": POLICY_SLOTS, "host_failures_tolerated": 0}, "1 or more"),
    ],
)
def test_invalid_admission_control_is_refused(control: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        parsed(ha={"admission_control": control})


@pytest.mark.parametrize("value", [True, "", ["1"]])
def test_invalid_advanced_options_are_refused(value: Any) -> None:
    with pytest.raises(GantryError, match=r"advanced_options\.A"):
        parsed(advanced_options={"A": value})


def test_resource_pools_are_not_lost_by_disabling_drs() -> None:
    wanted = Settings(drs={"enabled": False})
    with pytest.raises(GantryError, match="/pool"):
        refuse_loss_of_pools(wanted, Settings(drs={"enabled": True}), ["/pool"], "C0")
    refuse_loss_of_pools(wanted, Settings(drs={"enabled": False}), ["/pool"], "C0")
    refuse_loss_of_pools(wanted, Settings(drs={"enabled": True}), [], "C0")


@pytest.mark.parametrize(("rate", "threshold"), [(1, 5), (3, 3), (5, 1), (None, 3)])
def test_the_threshold_has_the_reverse_scale_of_the_api(rate: int | None, threshold: int) -> None:
    config = vim.cluster.ConfigInfoEx(drsConfig=vim.cluster.DrsConfigInfo(vmotionRate=rate))
    assert decode_settings(config).drs["migration_threshold"] == threshold


def test_unset_values_have_the_defaults_of_the_api_reference() -> None:
    found = decode_settings(vim.cluster.ConfigInfoEx())
    assert found.drs["vm_overrides"] is True
    assert found.drs["enabled"] is False
    assert found.ha == {"enabled": False, "host_monitoring": True}
    assert found.admission is None

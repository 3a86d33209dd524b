# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Port groups: what is created and changed on which hosts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.desire import desire_port_group
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.model import (
    ObservedPortGroup,
    PortGroupPlace,
    PortGroupState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.options import port_group_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.plan import plan_port_group

REJECT = {"promiscuous": False, "mac_changes": False, "forged_transmits": False}
NEW = {"vlan": 0, **REJECT, "port_allocation": "elastic", "ports": 8}
SWITCH = "/DC0/network/DS"


def desired(**params: Any) -> Any:
    unset = {name: option.get("default") for name, option in port_group_argument_spec().items()}
    return desire_port_group({**unset, "name": "web", "switch": "DS", **params})


def distributed(values: dict[str, Any] | None = None, **fields: Any) -> ObservedPortGroup:
    group = None if values is None else PortGroupState({**NEW, **values}, "DS")
    place = PortGroupPlace(SWITCH, "dvs-1", 1500, NEW, group)
    return replace(ObservedPortGroup("web", "DS", True, (place,), None if group is None else "dvpg-1"), **fields)


def standard(*vlans: int | None) -> ObservedPortGroup:
    """Return hosts h0, h1 and so on with the port group in these VLANs; None: without it."""
    places = tuple(
        PortGroupPlace(
            f"h{number}",
            f"ns-{number}",
            1500,
            {"vlan": 0, **REJECT},
            None if vlan is None else PortGroupState({"vlan": vlan, **REJECT}, "vs"),
            ("vs",),
        )
        for number, vlan in enumerate(vlans)
    )
    return ObservedPortGroup("web", "vs", False, places)


def on_hosts(**params: Any) -> Any:
    return desired(type="standard", switch="vs", **params)


def test_a_new_port_group_has_the_given_values_and_those_of_its_switch() -> None:
    plan = plan_port_group(desired(vlan=7, security={"promiscuous": True}), distributed())
    assert plan.actions() == [f"create web on {SWITCH}"]
    assert plan.diff()["after"]["port_groups"]["web"][SWITCH] == {
        "vlan": 7,
        "port_allocation": "elastic",
        "ports": 8,
        "security": {**REJECT, "promiscuous": True},
    }


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "vlan": st.integers(0, 4094),
            "mtu": st.integers(1280, 9000),
            "security": st.fixed_dictionaries({}, optional={name: st.none() | st.booleans() for name in REJECT}),
            "port_allocation": st.sampled_from(["elastic", "fixed", "ephemeral"]),
        },
    ),
    st.sampled_from([None, {}, {"vlan": "1-9"}, {"promiscuous": True, "ports": 24}, {"port_allocation": "fixed"}]),
)
def test_a_plan_leads_to_what_is_desired_and_then_to_nothing(params: dict[str, Any], values: Any) -> None:
    task, before = desired(**params), distributed(values)
    after = plan_port_group(task, before).project(before)
    (place,) = after.places
    assert place.group is not None
    assert {key: place.group.values.get(key) for key in task.values} == dict(task.values)
    assert place.mtu == (task.mtu or 1500)
    assert not plan_port_group(task, after).changed


def test_each_host_gets_what_it_lacks() -> None:
    plan = plan_port_group(on_hosts(vlan=7), standard(7, 5, None))
    assert plan.actions() == ["set vlan of web on h1: 7", "create web on h2"]
    # Without a value, hosts may differ.
    assert plan_port_group(on_hosts(), standard(7, 5)).actions() == []


def test_switches_are_changed_before_port_groups() -> None:
    plan = plan_port_group(on_hosts(mtu=9000), standard(None, None))
    assert plan.actions() == [
        "set the MTU of vs on h0: 9000",
        "set the MTU of vs on h1: 9000",
        "create web on h0",
        "create web on h1",
    ]


def test_an_ephemeral_port_group_has_no_number_of_ports() -> None:
    plan = plan_port_group(desired(port_allocation="ephemeral"), distributed({}))
    (place,) = plan.project(distributed({})).places
    assert place.group is not None
    assert "ports" not in place.group.values
    with pytest.raises(GantryError, match="creates ports as needed"):
        plan_port_group(desired(ports=9), distributed({"port_allocation": "ephemeral"}))


def test_what_is_in_use_is_not_removed() -> None:
    task = desired(state="absent")
    with pytest.raises(GantryError, match="in use by db1, db2") as refused:
        plan_port_group(task, distributed({}, users=("db1", "db2")))
    assert refused.value.details == {"users": ["db1", "db2"]}
    assert plan_port_group(task, distributed({})).actions() == [f"remove web from {SWITCH}"]
    assert not plan_port_group(task, distributed()).changed
    # Hosts without the switch do not have the port group.
    lacking = replace(standard(None), places=(replace(standard(None).places[0], mtu=None),))
    assert not plan_port_group(on_hosts(state="absent"), lacking).changed


def test_places_that_cannot_have_it_are_refused() -> None:
    places = standard(None, None).places
    lacking = replace(standard(), places=(replace(places[0], mtu=None, switches=("other",)), places[1]))
    with pytest.raises(GantryError, match=r"The hosts h0 have no virtual switch 'vs'\. They have: other\."):
        plan_port_group(on_hosts(), lacking)
    elsewhere = replace(standard(), places=(replace(places[0], group=PortGroupState({"vlan": 0}, "other")),))
    with pytest.raises(GantryError, match="on the virtual switch 'other', and it cannot be moved to 'vs'"):
        plan_port_group(on_hosts(), elsewhere)
    with pytest.raises(GantryError, match="because the Network /DC0/network/web has its name"):
        plan_port_group(desired(), distributed(taken_by="the Network /DC0/network/web"))
    uplinks = PortGroupState({}, "DS", "the uplinks of DS")
    owned = replace(distributed().places[0], group=uplinks)
    for state in ("present", "absent"):
        with pytest.raises(GantryError, match="belongs to the uplinks of DS"):
            plan_port_group(desired(state=state), replace(distributed(), places=(owned,)))


def test_a_trunk_is_the_same_in_any_order() -> None:
    assert desired(trunk=["30", "13-20", "10-12", "11"]).values == {"vlan": "10-20,30"}
    assert desired(trunk=["5-5"]).values == {"vlan": "5"}
    assert on_hosts(trunk=["0-1000", "1001-4094"]).values == {"vlan": "0-4094"}


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "4095", "9-8", "1,2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(GantryError, match="which is neither a VLAN ID"):
        desired(trunk=[text])

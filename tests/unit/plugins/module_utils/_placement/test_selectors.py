# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that selectors select exactly the described VMs, or are refused with all candidates."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._placement.selectors import (
    VmSelector,
    parse_selectors,
    select_vms,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory


def chosen(inventory: Inventory, *values: Any, datacenter: str | None = None, **options: Any) -> list[str]:
    where = None if datacenter is None else inventory.datacenter(datacenter)
    selectors = parse_selectors(values, "vms")
    return [vm.moid for vm in select_vms(inventory, selectors, datacenter=where, option="vms", **options)]


@pytest.mark.parametrize(
    ("value", "moids"),
    [
        ("db", ["v3"]),
        ("app/web", ["v1"]),
        ("/DC0/vm/app2/web", ["v2"]),
        ("/DC0/vm/a%2fb", ["v7"]),
        ({"name": "a/b"}, ["v7"]),
        ({"name": "web", "folder": "/DC0/vm/app"}, ["v1"]),
        ({"path": "db"}, ["v3"]),
        ({"moid": "v2"}, ["v2"]),
        ({"uuid": "AAAAAAAA-AAAA-AAAA-AAAA-AAAAAAAAAAAA"}, None),
        ({"labels": {"tier": "front"}}, ["v1"]),
        ({"labels": {"com.docker.compose.project": "shop", "tier": "back"}}, ["v2"]),
        ({"stack": "shop", "name": None}, ["v1", "v2"]),
    ],
)
def test_a_selector_selects_the_described_vms(inventory: Inventory, value: Any, moids: list[str] | None) -> None:
    datacenter = "DC0" if isinstance(value, dict) and "folder" in value else None
    if moids is None:
        with pytest.raises(GantryError, match="there is no VM with uuid"):
            chosen(inventory, value)
        return
    assert chosen(inventory, value, datacenter=datacenter) == moids


def test_an_instance_uuid_takes_precedence_over_a_bios_uuid(inventory: Inventory) -> None:
    wanted = {"uuid": "11111111111111111111111111111111"}
    assert chosen(inventory, wanted) == ["v4"]
    assert chosen(inventory, wanted, datacenter="DC0") == ["v3"]


def test_a_folder_is_never_a_substring(inventory: Inventory) -> None:
    """community.vmware takes /DC0/vm/app2 for /DC0/vm/app."""
    with pytest.raises(GantryError, match="no folder 'ap'"):
        chosen(inventory, {"name": "web", "folder": "ap"}, datacenter="DC0")
    assert chosen(inventory, {"name": "web", "folder": "app"}, datacenter="DC0") == ["v1"]


def test_an_ambiguous_name_is_refused_with_all_candidates(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match=re.escape("/DC0/vm/app/web (v1), /DC0/vm/app2/web (v2)")) as caught:
        chosen(inventory, "db", "web")
    assert "vms[1]: there are 2 VMs named 'web'" in caught.value.message
    assert caught.value.details["candidates"] == ["/DC0/vm/app/web", "/DC0/vm/app2/web"]


def test_an_unknown_name_is_refused_with_similar_names(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match=r"no VM named 'wen'.*similar names: /DC0/vm/app/web, /DC0/vm/app2/web"):
        chosen(inventory, "wen")
    with pytest.raises(GantryError, match="no VM with path 'appp/web' in the datacenter DC0"):
        chosen(inventory, "appp/web", datacenter="DC0")


def test_templates_and_successors_are_never_selected(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match="no VM named 'gold'"):
        chosen(inventory, "gold")
    assert chosen(inventory, {"stack": "shop"}) == ["v1", "v2"]


def test_no_match_is_an_error_unless_allowed(inventory: Inventory) -> None:
    with pytest.raises(GantryError, match="no VM of the stack 'none'"):
        chosen(inventory, {"stack": "none"})
    assert chosen(inventory, {"stack": "none"}, may_be_none=True) == []
    with pytest.raises(GantryError, match="no VM named 'none'"):
        chosen(inventory, "none", may_be_none=True)


def test_each_vm_is_selected_once(inventory: Inventory) -> None:
    assert chosen(inventory, {"moid": "v2"}, {"stack": "shop"}, "app/web") == ["v2", "v1"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is empty"),
        ("//", "is empty"),
        (7, "needs quotes"),
        ({}, "exactly one of"),
        ({"name": "a", "moid": "b"}, "it has name and moid"),
        ({"nmae": "a"}, "has nmae"),
        ({"moid": "v1", "folder": "app"}, "folder together with moid"),
        ({"uuid": "no"}, "not a UUID"),
        ({"name": 7}, "put it in quotes"),
        ({"name": "a", "folder": 3}, "give the path of a folder"),
        ({"labels": {}}, "at least one label"),
        ({"labels": {"a": 1}}, "not a string"),
        ({"labels": "a=b"}, "give a mapping"),
    ],
)
def test_invalid_selectors_are_refused(value: Any, message: str) -> None:
    with pytest.raises(GantryError, match=message) as caught:
        parse_selectors(["fine", value], "vms")
    assert "vms[1]" in caught.value.message


@given(st.text(min_size=1).filter(lambda text: text.strip("/ ")))
def test_any_string_is_a_name_or_a_path(text: str) -> None:
    (selector,) = parse_selectors([text], "vms")
    assert selector == VmSelector("path" if "/" in text else "name", text)

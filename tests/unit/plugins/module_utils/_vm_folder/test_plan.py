# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders: what exists along a path, what is created, and what is never removed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.desire import desire_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import FolderLevel, ObservedFolder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.plan import plan_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.resolve import resolve_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.result import folder_result
from tests.support.builders.inventory import small_inventory


def desired(path: str, **params: Any) -> Any:
    return desire_folder({"path": path, "datacenter": None, "state": "present", "when_not_empty": "fail", **params})


def resolved(path: str, **params: Any) -> ObservedFolder:
    return resolve_folder(small_inventory(), desired(path, **params))


def test_what_exists_along_a_path_is_found() -> None:
    found = resolved("apps/web/eu", datacenter="DC0")
    assert [level.path for level in found.levels] == ["/DC0/vm", "/DC0/vm/apps", "/DC0/vm/apps/web"]
    assert found.missing == ("eu",)
    assert found.folder is None
    # The beginning of a name is not the name.
    assert resolved("app", datacenter="DC0").missing == ("app",)


def test_a_whole_path_names_its_datacenter() -> None:
    assert resolved("/DC0/vm/apps").folder == FolderLevel("/DC0/vm/apps", "f-apps")
    assert resolved("/DC1/vm/apps").missing == ("apps",)
    with pytest.raises(GantryError, match="not below /DC1/vm"):
        resolved("/DC0/vm/apps", datacenter="DC1")
    with pytest.raises(GantryError, match="datacenter is not given and there are 2"):
        resolved("apps")


def test_only_missing_folders_are_created_and_then_none() -> None:
    task = desired("apps/a%2fb/eu", datacenter="DC0")
    found = resolve_folder(small_inventory(), task)
    plan = plan_folder(task, found)
    assert plan.actions() == ["create /DC0/vm/apps/a%2fb", "create /DC0/vm/apps/a%2fb/eu"]
    made = plan.project(found)
    assert folder_result(made) == {
        "folder": {"path": "/DC0/vm/apps/a%2fb/eu", "moid": None},
        "created": ["/DC0/vm/apps/a%2fb", "/DC0/vm/apps/a%2fb/eu"],
    }
    assert not plan_folder(task, made).changed


def test_what_has_the_name_prevents_the_folder() -> None:
    task = desired("db", datacenter="DC0")
    taken = ObservedFolder((FolderLevel("/DC0/vm", "vm1"),), ("db",), taken_by="VirtualMachine /DC0/vm/db")
    with pytest.raises(GantryError, match="because VirtualMachine /DC0/vm/db has the name"):
        plan_folder(task, taken)


def test_only_an_empty_folder_is_removed() -> None:
    task = desired("apps", datacenter="DC0", state="absent")
    found = resolve_folder(small_inventory(), task)
    plan = plan_folder(task, found)
    assert plan.actions() == ["remove /DC0/vm/apps"]
    gone = plan.project(found)
    assert folder_result(gone) == {"folder": None, "created": []}
    assert not plan_folder(task, gone).changed
    full = ObservedFolder(found.levels, (), contents=tuple(f"vm{number}" for number in range(12)))
    with pytest.raises(GantryError, match=r"not empty: vm0, .*vm9 and 2 more") as caught:
        plan_folder(task, full)
    assert len(caught.value.details["contents"]) == 12

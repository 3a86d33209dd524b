# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the plan for several folders of VMs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.several import Several
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.desire import desire_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.model import (
    DesiredFolders,
    ObservedFolder,
    settle_folders,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.plan import plan_folders
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.resolve import resolve_folder
from ansible_collections.gantry.vsphere.plugins.module_utils._vm_folder.result import folders_result
from tests.support.builders.inventory import small_inventory


def desired(*paths: str, **params: Any) -> DesiredFolders:
    unset = {"datacenter": "DC0", "state": "present", "when_not_empty": "fail", "assume_removed": []}
    return desire_folders({"path": None, "paths": list(paths), **unset, **params})


def observed(task: DesiredFolders, **contents: tuple[str, ...]) -> Several[ObservedFolder]:
    """Return the folders of the small inventory; ``contents`` by the last name of the folder."""
    found = [resolve_folder(small_inventory(), one) for one in task.folders]
    ones = [replace(one, contents=contents.get(one.path.rpartition("/")[2], ())) for one in found]
    return Several(tuple(ones), settle_folders)


def test_a_folder_of_two_paths_is_created_once() -> None:
    task = desired("new/a", "new/b", "apps")
    found = observed(task)
    plan = plan_folders(task, found)
    assert plan.actions() == ["create /DC0/vm/new", "create /DC0/vm/new/a", "create /DC0/vm/new/b"]
    after = plan.project(found)
    result = folders_result(task, after)
    assert [one["path"] for one in result["folders"]] == ["/DC0/vm/new/a", "/DC0/vm/new/b", "/DC0/vm/apps"]
    assert result["created"] == ["/DC0/vm/new", "/DC0/vm/new/a", "/DC0/vm/new/b"]
    assert not plan_folders(task, after).changed


def test_folders_are_removed_parents_last() -> None:
    task = desired("apps", "apps/web", state="absent")
    found = observed(task, apps=("web",))
    plan = plan_folders(task, found)
    assert plan.actions() == ["remove /DC0/vm/apps/web", "remove /DC0/vm/apps"]
    assert folders_result(task, plan.project(found)) == {"folders": [None, None], "created": []}
    with pytest.raises(GantryError, match=r"apps is not removed because it is not empty: db\."):
        plan_folders(task, observed(task, apps=("db", "web")))


def test_a_folder_that_is_not_empty_is_kept_on_request() -> None:
    task = desired("apps", state="absent", when_not_empty="keep")
    assert not plan_folders(task, observed(task, apps=("db",))).changed
    assert plan_folders(task, observed(task)).changed


def test_a_folder_is_listed_once() -> None:
    task = desired("new", "/DC0/vm/new")
    with pytest.raises(GantryError, match="/DC0/vm/new is listed more than once"):
        plan_folders(task, observed(task))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of the inventory plugin against the code: Ansible reads options from the documentation."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.gantry.vsphere.plugins.doc_fragments.vcenter import ModuleDocFragment
from ansible_collections.gantry.vsphere.plugins.inventory.container_vms import DOCUMENTATION
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.options import inventory_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_inventory.result import GROUPINGS
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec

OPTIONS: dict[str, Any] = yaml.safe_load(DOCUMENTATION)["options"]
# What says how a value is checked, in the documentation as in an argument spec.
CHECKED = ("type", "elements", "choices", "aliases", "default", "required")


def checked(option: dict[str, Any]) -> dict[str, Any]:
    return {key: option[key] for key in CHECKED if key in option}


def test_the_filters_are_documented_as_they_are_checked() -> None:
    filters = inventory_argument_spec()["filters"]
    assert checked(OPTIONS["filters"]) == checked(filters)
    documented = {name: checked(option) for name, option in OPTIONS["filters"]["suboptions"].items()}
    assert documented == {name: checked(option) for name, option in filters["options"].items()}


def test_every_grouping_is_a_choice() -> None:
    assert OPTIONS["group_by"]["choices"] == list(GROUPINGS)


def test_the_connection_is_configured_by_the_variables_that_modules_read() -> None:
    documented = yaml.safe_load(ModuleDocFragment.PLUGIN)["options"]
    spec = connection_argument_spec()
    assert {name: checked(option) for name, option in documented.items()} == {
        name: checked(option) for name, option in spec.items()
    }
    variables = {name: [one["name"] for one in option.get("env", [])] for name, option in documented.items()}
    assert variables == {name: option["fallback"][1] if "fallback" in option else [] for name, option in spec.items()}
    # Modules read the variables themselves, and validate-modules refuses `env` in their documentation.
    assert not any("env" in option for option in yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"].values())

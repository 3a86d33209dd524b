# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the documentation of the modules that move VMs lists their options as the argument specs do."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.operation import HostMaintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.operation import VmVmotion

OPERATIONS: dict[str, Operation[Any, Any, Any]] = {"vm_vmotion": VmVmotion(), "host_maintenance": HostMaintenance()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_options_are_documented(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    own = {key: spec for key, spec in OPERATIONS[name].argument_spec.items() if key in documented}
    for key, spec in own.items():
        assert documented[key]["type"] == spec["type"], key
        assert documented[key].get("default") == spec.get("default"), key
        assert set(documented[key].get("suboptions", {})) == set(spec.get("options", {})), key

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the examples in the documentation are valid tasks."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._maintenance.operation import HostMaintenance
from ansible_collections.gantry.vsphere.plugins.module_utils._vmotion.operation import VmVmotion

OPERATIONS: dict[str, Operation[Any, Any, Any]] = {"vm_vmotion": VmVmotion(), "host_maintenance": HostMaintenance()}
CONNECTION = {"hostname": "vcenter.example.com", "username": "u", "password": "p"}
THUMBPRINT = "ab" * 32


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_examples_are_valid(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.modules.{name}")
    tasks = yaml.safe_load(module.EXAMPLES.replace("{{ vcenter2_thumbprint }}", THUMBPRINT))
    operation = OPERATIONS[name]
    assert tasks
    for task in tasks:
        options = task[f"gantry.vsphere.{name}"]
        checked = ArgumentSpecValidator(dict(operation.argument_spec)).validate({**CONNECTION, **options})
        assert not checked.error_messages, (task, checked.error_messages)
        operation.desire(checked.validated_parameters)


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_options_are_documented(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.modules.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    own = {key: spec for key, spec in OPERATIONS[name].argument_spec.items() if key in documented}
    for key, spec in own.items():
        assert documented[key]["type"] == spec["type"], key
        assert documented[key].get("default") == spec.get("default"), key
        assert set(documented[key].get("suboptions", {})) == set(spec.get("options", {})), key

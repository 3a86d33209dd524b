# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameters of an operation, validated on the controller as AnsibleModule validates those of a module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation


def validate(operation: Operation[Any, Any, Any], args: Mapping[str, Any]) -> ValidationResult:
    validator = ArgumentSpecValidator(
        dict(operation.argument_spec),
        mutually_exclusive=operation.mutually_exclusive,
        required_together=operation.required_together,
        required_one_of=operation.required_one_of,
        required_if=operation.required_if,
        required_by=operation.required_by,
    )
    return validator.validate(dict(args))


def plain_parameters(operation: Operation[Any, Any, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """As a module gets them: from ansible-core 2.19 on values are of types of its own, which pyVmomi does not know."""
    parameters = {option: values.get(option) for option in operation.argument_spec}
    plain: dict[str, Any] = json.loads(json.dumps(parameters, default=str))
    return plain

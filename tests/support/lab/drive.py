# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one task's four steps as a module does, but without Ansible.

This is for tests of anything but Ansible: a run of ansible-playbook takes seconds, this takes a fraction of a second.
As a program it is a process that a test can run in parallel with others, or kill:

python -m tests.support.lab.drive MODULE JSON-OF-THE-OPTIONS     prints the task's result as JSON
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import SessionSource, outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session
from ansible_collections.gantry.vsphere.plugins.plugin_utils.parameters import validate
from tests.support.lab.least import as_least_privileged


def operation_of(module: str) -> Operation[Any, Any, Any]:
    """Return the operation of a module."""
    plugin = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.action.{module}")
    operation: Operation[Any, Any, Any] = plugin.ActionModule.operation
    return operation


def drive(
    module: str,
    options: Mapping[str, Any],
    *,
    check: bool = False,
    diff: bool = True,
    session_source: SessionSource = open_session,
    report: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Return what a task of the module would return, run by the user of the module in a lab that has one."""
    operation = operation_of(module)
    checked = validate(operation, options)
    if checked.error_messages:
        return {"failed": True, "changed": False, "msg": str(checked.errors.msg)}
    parameters = {option: checked.validated_parameters.get(option) for option in operation.argument_spec}
    return outcome(
        operation,
        as_least_privileged(module, parameters),
        check_mode=check,
        diff_mode=diff,
        session_source=session_source,
        report=report,
        verbosity=3,
    )


def main() -> None:
    result = drive(sys.argv[1], json.loads(sys.argv[2]), report=lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

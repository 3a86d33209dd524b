# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task's four steps without Ansible around them, as a module makes them.

For what is not about Ansible: a run of ansible-playbook takes seconds, this takes a fraction of one. As a program it is
a process that a test can start beside others, or kill:

python -m tests.support.lab.drive MODULE JSON-OF-THE-OPTIONS     prints the task's result as JSON
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session


def drive(
    module: str,
    options: Mapping[str, Any],
    *,
    check: bool = False,
    report: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Run a module's operation and return what its task would return, including the diff."""
    plugin = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.action.{module}")
    operation: Operation[Any, Any, Any] = plugin.ActionModule.operation
    checked = ArgumentSpecValidator(
        dict(operation.argument_spec),
        mutually_exclusive=operation.mutually_exclusive,
        required_together=operation.required_together,
        required_if=operation.required_if,
    ).validate(dict(options))
    if checked.error_messages:
        return {"failed": True, "changed": False, "msg": checked.error_messages[0]}
    return outcome(
        operation,
        {option: checked.validated_parameters.get(option) for option in operation.argument_spec},
        check_mode=check,
        diff_mode=True,
        session_source=open_session,
        report=report,
        verbosity=3,
    )


def main() -> None:
    result = drive(sys.argv[1], json.loads(sys.argv[2]), report=lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

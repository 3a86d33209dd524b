# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task's four steps in a bare process, as a module makes them: for tests that start several, or kill one.

python -m tests.integration.support.drive MODULE JSON-OF-THE-OPTIONS     prints the task's result as JSON
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._core.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._core.runner import outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session


def main() -> None:
    name, options = sys.argv[1], json.loads(sys.argv[2])
    plugin = importlib.import_module(f"ansible_collections.gantry.vsphere.plugins.action.{name}")
    operation: Operation[Any, Any, Any] = plugin.ActionModule.operation
    checked = ArgumentSpecValidator(dict(operation.argument_spec)).validate(options)
    if checked.error_messages:
        raise SystemExit(checked.error_messages[0])
    parameters = {option: checked.validated_parameters.get(option) for option in operation.argument_spec}
    result = outcome(
        operation,
        parameters,
        check_mode=False,
        diff_mode=False,
        session_source=open_session,
        report=lambda text: print(text, file=sys.stderr, flush=True),
        verbosity=3,
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()

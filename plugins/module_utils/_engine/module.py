# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run an operation as an ordinary Ansible module, in its own process."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session


def run_module(operation: Operation[Any, Any, Any]) -> None:
    """Run an operation as a module: all that a module file's ``main`` does."""
    module = AnsibleModule(
        argument_spec=dict(operation.argument_spec),
        mutually_exclusive=operation.mutually_exclusive,
        required_together=operation.required_together,
        required_one_of=operation.required_one_of,
        required_if=operation.required_if,
        required_by=operation.required_by,
        supports_check_mode=True,
    )
    result = outcome(
        operation,
        module.params,
        check_mode=module.check_mode,
        diff_mode=module._diff,
        session_source=open_session,
        report=module.debug,
        verbosity=module._verbosity,
    )
    for warning in result.pop("warnings", []):
        module.warn(remove_values(warning, module.no_log_values))
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run an operation as an action plugin: in Ansible's worker where that is equivalent, else as a module."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import available
from ansible_collections.gantry.vsphere.plugins.plugin_utils.parameters import plain_parameters, validate
from ansible_collections.gantry.vsphere.plugins.plugin_utils.sessions import session_source

_AS_MODULE = "gantry_run_as_module"
_SESSION_CACHE = "gantry_session_cache"

display = Display()


class OperationAction(ActionBase):  # type: ignore[misc] # ansible-core has no types
    """The base class of all action plugins of the collection; a subclass sets its operation."""

    operation: ClassVar[Operation[Any, Any, Any]]

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            self.operation.refuse(self._task.args)
        except GantryError as error:
            result.update(error.as_result(), failed=True)
            return result
        self._task.args = self.local_arguments(self._task.args)
        if self._runs_here(task_vars):
            result.update(self._run_here(task_vars))
            return result
        result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
        if not self._task.async_val:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible's own plugins do
        return result

    def local_arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the operation, with everything that only the controller has."""
        return arguments

    def _runs_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the worker runs where the module would, as the same user and with all requirements."""
        return (
            self._connection.transport == "local"
            and self._connection.become is None
            and not self._task.async_val
            and available()
            and not self._flag(task_vars, _AS_MODULE, default=False)
        )

    def _flag(self, task_vars: Mapping[str, Any], name: str, *, default: bool) -> bool:
        return bool(boolean(self._templar.template(task_vars.get(name, default))))

    def _run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        # The arguments that Ansible would pass to the module: check mode, diff, verbosity and so on.
        module_args: dict[str, Any] = {}
        self._update_module_args(self._task.action, module_args, task_vars)
        with self._environment():
            checked = validate(self.operation, self._task.args)
            params = plain_parameters(self.operation, checked.validated_parameters)
            if checked.error_messages:
                result = {"failed": True, "msg": self._complaint(checked)}
            else:
                result = outcome(
                    self.operation,
                    params,
                    check_mode=module_args["_ansible_check_mode"],
                    diff_mode=module_args["_ansible_diff"],
                    session_source=session_source(on_disk=self._flag(task_vars, _SESSION_CACHE, default=True)),
                    report=partial(display.vv, host=task_vars.get("inventory_hostname")),
                    verbosity=module_args["_ansible_verbosity"],
                )
        # Older versions of ansible-core do not select it: they always get it.
        if module_args.get("_ansible_inject_invocation", True):
            result["invocation"] = {"module_args": checked.validated_parameters}
        return _without_secrets(result, checked._no_log_values)  # noqa: SLF001 - where AnsibleModule has it from

    def _complaint(self, checked: ValidationResult) -> str:
        """Return the validation error in the words of AnsibleModule."""
        message = str(checked.errors.msg)
        if isinstance(checked.errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.action}) module: {message}"
        return message

    @contextmanager
    def _environment(self) -> Iterator[None]:
        """Apply the task's ``environment``, which a module would have in its process."""
        wanted: dict[str, Any] = {}
        self._compute_environment_string(wanted)
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update({name: str(value) for name, value in wanted.items()})
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _without_secrets(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    # A secret such as "1" or "true" must not mask a boolean.
    kept = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
    cleaned: dict[str, Any] = remove_values(result, secrets)
    cleaned.update(kept)
    return cleaned

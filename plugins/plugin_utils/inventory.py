# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An info operation as an inventory plugin: its options, its cache, and its failures as messages of Ansible."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import ansible.template
from ansible.errors import AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.runner import outcome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import open_session
from ansible_collections.gantry.vsphere.plugins.plugin_utils.parameters import plain_parameters, validate

# What people keep elsewhere and look up; of other types an expression would not pass Ansible's check.
_TEMPLATED = ("hostname", "username", "password", "proxy_host")
_READ_BYTES = 65536


class OperationInventory(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc] # ansible-core has no types
    """Base of the inventory plugins here; a subclass names its operation and makes hosts of its result."""

    operation: ClassVar[InfoOperation[Any, Any]]

    # In a pattern of hosts, ":", "/" and others have a meaning of their own.
    _sanitize_group_name = staticmethod(partial(to_safe_group_name, force=True, silent=True))

    def verify_file(self, path: str) -> bool:
        """Return whether the name of the file says that it is for this plugin."""
        if not super().verify_file(path):
            return False
        endings = [f"{self.operation.name}.yml", f"{self.operation.name}.yaml"]
        if path.endswith(tuple(endings)):
            return True
        if path.endswith((".yml", ".yaml")) and self._is_named_in(path):
            self.display.warning(
                f"{path} is not read, because an inventory file of {self.NAME} must have a name that ends with "
                f"{' or '.join(endings)}. Rename it."
            )
        return False

    def _is_named_in(self, path: str) -> bool:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            head = file.read(_READ_BYTES)
        return re.search(rf"[\"']?\bplugin[\"']?\s*:\s*[\"']?{re.escape(self.NAME)}\b", head) is not None

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: Mapping[str, Any] | None = None
    ) -> None:
        """Refuse what is unknown or missing in words; Ansible would say nothing of the one, and little of the other."""
        given = dict(direct or {})
        self._refuse_unknown(given)
        self._refuse_missing(given)
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _refuse_unknown(self, given: Mapping[str, Any]) -> None:
        known = {name for option in self.option_definitions.items() for name in _names(*option)}
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                raise AnsibleParserError(
                    f"{self.NAME} has no option {name}. "
                    + (f"Did you mean {close[0]}?" if close else f"Its options are {', '.join(sorted(known))}.")
                )

    def _refuse_missing(self, given: Mapping[str, Any]) -> None:
        missing = {}
        for name, option in self.option_definitions.items():
            variables = [one["name"] for one in option.get("env") or ()]
            if option.get("required") and not (
                _names(name, option) & given.keys() or os.environ.keys() & set(variables)
            ):
                missing[name] = variables
        if missing:
            wanted = ", ".join(" or ".join([name, *variables]) for name, variables in missing.items())
            raise AnsibleParserError(
                f"{self.NAME} requires {wanted}. Set the option in the inventory file, or the environment variable."
            )

    def read(self, path: str, cache: bool) -> dict[str, Any]:
        """Return the operation's result for an inventory file: from the cache, if it is used and has it."""
        config = self._read_config_data(path)
        params, secrets = self._parameters(config)
        if not self.get_option("cache"):
            return self._run(params, secrets)
        key = self._cache_key(path, params)
        if cache:
            with contextlib.suppress(KeyError):
                cached: dict[str, Any] = self._cache[key]
                return cached
        result = self._run(params, secrets)
        self._cache[key] = result
        return result

    def _parameters(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
        """Return the operation's parameters, and those of their values that no message may show."""
        values = {name: self.get_option(name) for name in self.operation.argument_spec}
        for name in _TEMPLATED:
            # Values of the file only: an environment variable is not meant as a template.
            if config.keys() & _names(name, self.operation.argument_spec[name]):
                values[name] = self.templar.template(values[name])
        checked = validate(self.operation, {name: value for name, value in values.items() if value is not None})
        secrets: set[str] = checked._no_log_values  # noqa: SLF001 - where AnsibleModule has it from
        if checked.error_messages:
            raise AnsibleParserError(remove_values(f"{self.NAME} got invalid options: {checked.errors.msg}", secrets))
        return plain_parameters(self.operation, checked.validated_parameters), secrets

    def _run(self, params: Mapping[str, Any], secrets: set[str]) -> dict[str, Any]:
        result = outcome(
            self.operation,
            params,
            check_mode=True,
            diff_mode=False,
            session_source=open_session,
            report=self.display.vv,
            verbosity=self.display.verbosity,
        )
        for warning in result.pop("warnings", []):
            self.display.warning(remove_values(warning, secrets))
        if "traceback" in result:
            self.display.vvv(remove_values(result["traceback"], secrets))
        if result.get("failed"):
            raise AnsibleParserError(remove_values(result["msg"], secrets))
        return {key: value for key, value in result.items() if key not in ("changed", "actions")}

    def _cache_key(self, path: str, params: Mapping[str, Any]) -> str:
        """Return a key of the file and all that the result depends on, but for the password."""
        asked = json.dumps({key: value for key, value in params.items() if key != "password"}, sort_keys=True)
        return f"{self.get_cache_key(path)}_{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def _names(name: str, option: Mapping[str, Any]) -> set[str]:
    """Return an option's name and its aliases."""
    return {name, *(option.get("aliases") or ())}


def untrusted(value: Any) -> Any:
    """Return the value with all its texts marked, so that Ansible does not evaluate them as templates."""
    if hasattr(ansible.template, "trust_as_template"):
        # From ansible-core 2.19 on only what is marked as trusted is evaluated.
        return value
    from ansible.utils.unsafe_proxy import wrap_var

    return wrap_var(value)

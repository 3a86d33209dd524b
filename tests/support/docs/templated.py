# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace the templates in example options by values of the options' types, so that they can be validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAMPLES: dict[str, Any] = {"int": 1, "float": 1.0, "bool": True, "list": []}


def has_template(value: Any) -> bool:
    """Return whether a value has a template in it, at any depth."""
    if isinstance(value, Mapping):
        return any(has_template(one) for one in value.values())
    if isinstance(value, list):
        return any(has_template(one) for one in value)
    return isinstance(value, str) and "{{" in value


def without_templates(options: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with a fitting value for each template; the names of options are not changed."""
    return {name: _value(value, spec.get(name, {})) for name, value in options.items()}


def _value(value: Any, option: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and "{{" in value:
        return _sample(option)
    if isinstance(value, list):
        element = {**option, "type": option.get("elements", "str")}
        return [_value(one, element) for one in value]
    if isinstance(value, Mapping):
        return without_templates(value, option.get("options") or {})
    return value


def _sample(option: Mapping[str, Any]) -> Any:
    choices = option.get("choices")
    kind = option.get("type", "str")
    if choices:
        return [choices[0]] if kind == "list" else choices[0]
    if kind == "dict":
        return _required(option)
    return _SAMPLES.get(kind, "text")


def _required(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each required suboption."""
    suboptions: Mapping[str, Any] = option.get("options") or {}
    return {name: _sample(suboption) for name, suboption in suboptions.items() if suboption.get("required")}

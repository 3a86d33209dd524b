# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller refuses: surveys, schedules and injectors that it could not use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ANSWER_TYPES: dict[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}
_TEMPLATE = re.compile(r"\{\{\s*([a-z_]+)")


def survey_problem(survey: Mapping[str, Any]) -> str | None:
    """Return why the controller refuses a survey, or None."""
    for key, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(survey.get(key), kind):
            return f"{key} is missing or of another type"
    if not survey["spec"]:
        return "the survey has no questions"
    variables = [question.get("variable") for question in survey["spec"]]
    if len(set(variables)) != len(variables):
        return "a variable is asked for twice"
    return next(filter(None, map(_question_problem, survey["spec"])), None)


def _question_problem(question: Mapping[str, Any]) -> str | None:
    for key, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(key), kind):
            return f"{key} of {question} is missing or of another type"
    kind = ANSWER_TYPES.get(question["type"])
    if kind is None:
        return f"{question['type']} is no type of question"
    default = question.get("default", "")
    if default != "" and not isinstance(default, kind):
        return f"the default of {question['variable']} is no {kind.__name__}"
    if any(not isinstance(question.get(limit), int | None) for limit in ("min", "max")):
        return f"min and max of {question['variable']} must be integers"
    if question["type"].startswith("multi"):
        if not question.get("choices"):
            return f"{question['variable']} has no choices"
        if any(one not in question["choices"] for one in default.splitlines()):
            return f"the default of {question['variable']} is none of its choices"
    return None


def rrule_problem(rrule: str) -> str | None:
    """Return why the controller refuses the rule of a schedule, or None."""
    match = re.fullmatch(r"DTSTART(;TZID=[A-Za-z_]+/[A-Za-z_]+:\d{8}T\d{6}|:\d{8}T\d{6}Z) RRULE:(\S+)", rrule)
    if not match:
        return "rrule must be a DTSTART with a time zone and one RRULE"
    parts = dict(part.split("=", 1) for part in match[2].split(";"))
    if "INTERVAL" not in parts:
        return "INTERVAL required in rrule"
    if parts.get("FREQ") not in ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        return "FREQ of rrule is missing or not supported"
    return None


def credential_type_problem(credential_type: Mapping[str, Any]) -> str | None:
    """Return why the controller refuses a credential type, or None."""
    if credential_type["kind"] not in ("cloud", "net"):
        return "kind must be cloud or net"
    inputs, injectors = credential_type["inputs"], credential_type["injectors"]
    fields = {field["id"] for field in inputs.get("fields", [])}
    if not set(inputs.get("required", [])) <= fields:
        return "required names an input that is not defined"
    unknown = set(injectors) - {"file", "env", "extra_vars"}
    if unknown:
        return f"there is no injector {', '.join(sorted(unknown))}"
    templates = [template for group in injectors.values() for template in group.values()]
    used = {name for template in templates for name in _TEMPLATE.findall(template)}
    missing = used - fields - ({"tower"} if "file" in injectors else set())
    return f"{', '.join(sorted(missing))} is not defined" if missing else None

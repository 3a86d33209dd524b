# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the pattern's files from its description and the collection's playbooks.

The playbooks are copies: Ansible reads the folder group_vars that is beside a playbook, but not for a playbook that it
imports from a collection.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Description = Mapping[str, Any]
Surveys = Mapping[str, Mapping[str, Any]]

# How to use the pattern: the end of its README.
_USAGE = Path(__file__).with_name("usage.md")
# Of the schema in tests/integration/awx/pattern_schema.json.
_SCHEMA_VERSION = "1.0"
_INCLUDED = re.compile(r"include_tasks: (tasks/\S+)")
_HEADER = """\
# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""


def generated_files(description: Description, surveys: Surveys, playbooks: Path) -> dict[str, str]:
    """Return the content of each generated file by its path in the pattern. ``playbooks`` has the collection's."""
    files = {"meta/pattern.json": _pattern_json(description, surveys), "README.md": _readme(description, surveys)}
    for template in description["job_templates"]:
        if not template.get("own_playbook"):
            name = f"{template['playbook']}.yml"
            original = (playbooks / name).read_text()
            files[f"playbooks/{name}"] = _playbook(template, original)
            for tasks in _INCLUDED.findall(original):
                files[f"playbooks/{tasks}"] = (playbooks / tasks).read_text()
    return files


def _pattern_json(description: Description, surveys: Surveys) -> str:
    environment = description["execution_environment"]
    pattern = {
        "schema_version": _SCHEMA_VERSION,
        **description["pattern"],
        "aap_resources": {
            "controller_project": description["project"],
            "controller_execution_environment": environment,
            "controller_job_templates": [
                _pattern_template(template, environment["name"], surveys.get(template["playbook"]))
                for template in description["job_templates"]
            ],
        },
    }
    return json.dumps(pattern, indent=2) + "\n"


def _pattern_template(
    template: Mapping[str, Any], environment: str, survey: Mapping[str, Any] | None
) -> dict[str, Any]:
    return {
        "name": template["name"],
        "description": template["description"],
        "playbook": f"{template['playbook']}.yml",
        "primary": template.get("primary", False),
        "execution_environment": environment,
        "ask_credential_on_launch": True,
        "ask_inventory_on_launch": True,
        **({"survey": {**survey, "spec": [_pattern_question(one) for one in survey["spec"]]}} if survey else {}),
    }


def _pattern_question(question: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out defaults that are not strings: the pattern's schema refuses them, and the controller their strings."""
    return {name: value for name, value in question.items() if name != "default" or isinstance(value, str)}


def _playbook(template: Mapping[str, Any], original: str) -> str:
    plays = original[original.index("\n- name: ") + 1 :]
    answers = _ANSWERS.format(facts=_facts(template["facts"])) if "facts" in template else ""
    return (
        f"---\n{_HEADER}# {template['description']}.\n"
        f'# Copied from gantry.vsphere.{template["playbook"]} by "python -m tools.awx --write".\n'
        f"{answers}{plays}"
    )


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f'        {name}: "{value}"' for name, value in facts.items())


_ANSWERS = """\
- name: Make variables of the answers
  hosts: "{{{{ vcenters | default('vcenters' if 'vcenters' in groups else 'localhost') }}}}"
  connection: local
  gather_facts: false
  tasks:
    - name: Set the variables
      ansible.builtin.set_fact:
{facts}

"""


def _readme(description: Description, surveys: Surveys) -> str:
    pattern = description["pattern"]
    templates = [_template_row(one, surveys.get(one["playbook"])) for one in description["job_templates"]]
    others = [
        ("Project", description["project"]),
        ("Execution environment", description["execution_environment"]),
        ("Inventory", description["inventory"]),
        ("Inventory source", description["inventory_source"]),
        *(("Credential type", one) for one in description["credential_types"]),
        ("Workflow", description["workflow"]),
        *(("Schedule", one) for one in description["schedules"]),
    ]
    nodes = [f"| {one['identifier']} | {_runs(one)} | {_next(one)} |" for one in description["workflow"]["nodes"]]
    return "\n".join(
        [
            '<!-- Generated from controller.yml by "python -m tools.awx --write". -->',
            f"# {pattern['title']}",
            "",
            textwrap.fill(pattern["description"], 120),
            "",
            "## Resources",
            "",
            "| Job template | Playbook | What it does | Survey |",
            "| --- | --- | --- | --- |",
            *templates,
            "",
            "| Resource | Name | Description |",
            "| --- | --- | --- |",
            *(f"| {kind} | {one['name']} | {one['description']} |" for kind, one in others),
            "",
            "The workflow:",
            "",
            "| Node | Runs | Next |",
            "| --- | --- | --- |",
            *nodes,
            "",
            _USAGE.read_text(),
        ]
    )


def _template_row(template: Mapping[str, Any], survey: Mapping[str, Any] | None) -> str:
    variables = ", ".join(f"`{one['variable']}`" for one in survey["spec"]) if survey else ""
    return f"| {template['name']} | `{template['playbook']}.yml` | {template['description']} | {variables} |"


def _runs(node: Mapping[str, Any]) -> str:
    if "approval" in node:
        return "an approval"
    return f"{node['template']}, in check mode" if node.get("job_type") == "check" else str(node["template"])


def _next(node: Mapping[str, Any]) -> str:
    steps = [
        f"{outcome}: {', '.join(node[outcome])}" for outcome in ("success", "failure", "always") if outcome in node
    ]
    return "; ".join(steps)

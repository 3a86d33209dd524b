# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pattern for Ansible Automation Platform: its files, and that its description agrees with the playbooks.

pattern_schema.json is the schema of ansible-lint 25.7.0, the last that came with one.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from galaxy_importer.file_parser import PatternsParser
from galaxy_importer.finder import ContentFinder

from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import guest_key_argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import connection_argument_spec
from tests.support.awx import rules
from tools.awx.__main__ import outdated
from tools.awx.description import PATTERN, read_description, read_surveys

ROOT = PATTERN.parents[2]
SCHEMA = Path(__file__).with_name("pattern_schema.json")
DESCRIPTION = read_description()
SURVEYS = read_surveys()
TEMPLATES = {one["playbook"]: one for one in DESCRIPTION["job_templates"]}
NODES = {one["identifier"]: one for one in DESCRIPTION["workflow"]["nodes"]}


@pytest.fixture(scope="module")
def pattern() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PATTERN / "meta" / "pattern.json").read_text())
    return content


def test_the_generated_files_are_current() -> None:
    assert list(outdated()) == []


def test_the_pattern_is_valid(pattern: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(pattern)
    assert pattern["name"] == PATTERN.name


def test_exactly_one_template_is_primary(pattern: dict[str, Any]) -> None:
    templates = pattern["aap_resources"]["controller_job_templates"]
    assert [one["primary"] for one in templates].count(True) == 1


def test_there_is_a_template_for_each_playbook_and_a_playbook_for_each_template(pattern: dict[str, Any]) -> None:
    templates = pattern["aap_resources"]["controller_job_templates"]
    playbooks = {path.name for path in (PATTERN / "playbooks").glob("*.yml")}
    assert sorted(one["playbook"] for one in templates) == sorted(playbooks)


def test_the_importer_of_galaxy_accepts_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        contents = [one for one in ContentFinder().find_contents(str(ROOT)) if "patterns" in one.path]
        assert len(contents) > len(TEMPLATES)
        found = PatternsParser(str(ROOT)).get_meta_patterns()
    assert [one["name"] for one in found] == [PATTERN.name]
    assert [record.getMessage() for record in caplog.records if "pattern" in record.getMessage()] == []


@pytest.mark.parametrize("playbook", SURVEYS)
def test_a_controller_accepts_the_survey(playbook: str) -> None:
    assert playbook in TEMPLATES
    assert rules.survey_problem(SURVEYS[playbook]) is None


QUESTIONS = [
    pytest.param(playbook, question, id=f"{playbook}-{question['variable']}")
    for playbook, survey in SURVEYS.items()
    for question in survey["spec"]
]
OPTIONS: dict[str, dict[str, Any]] = {}
for _specs in ROOT.glob("roles/*/meta/argument_specs.yml"):
    OPTIONS |= yaml.safe_load(_specs.read_text())["argument_specs"]["main"]["options"]
QUESTION_TYPES = {"str": "text", "path": "text", "int": "integer", "float": "float"}


@pytest.mark.parametrize(("playbook", "question"), QUESTIONS)
def test_a_question_agrees_with_the_option_of_the_role(playbook: str, question: dict[str, Any]) -> None:
    # A controller gives an empty text for a question that need not be answered, which is not the same as no variable.
    assert question["required"]
    name = question["variable"]
    if any(name in value for value in TEMPLATES[playbook].get("facts", {}).values()):
        return  # The answer is a part of a variable, and a run with ansible-runner tests it.
    option = OPTIONS[name]
    choices = ["false", "true"] if option["type"] == "bool" else option.get("choices")
    if choices:
        assert question["type"] == "multiplechoice"
        assert sorted(question["choices"]) == sorted(choices)
    else:
        assert question["type"] == QUESTION_TYPES[option["type"]]
    if "default" in option:
        assert str(question["default"]).lower() == str(option["default"]).lower()


def test_the_variables_of_templates_and_credentials_exist() -> None:
    names = {name for template in TEMPLATES.values() for name in template.get("facts", {})}
    injected = [one["injectors"].get("extra_vars", {}) for one in DESCRIPTION["credential_types"]]
    assert {name for variables in injected for name in variables} <= set(OPTIONS) | _switches()
    assert names <= set(OPTIONS) | _variables_of_playbooks()


def test_the_environment_of_the_credentials_is_read_by_options() -> None:
    injected = {name for one in DESCRIPTION["credential_types"] for name in one["injectors"].get("env", {})}
    spec = connection_argument_spec() | guest_key_argument_spec()
    assert injected <= {name for option in spec.values() for name in option.get("fallback", [None, []])[1]}


def test_the_ca_credential_turns_the_verification_on_in_every_role_and_playbook() -> None:
    (ca,) = (one for one in DESCRIPTION["credential_types"] if "file" in one["injectors"])
    assert ca["injectors"]["extra_vars"] == dict.fromkeys(sorted(_switches()), "true")


def _variables_of_playbooks() -> set[str]:
    """Return the variables that the comments at the beginning of playbooks explain."""
    texts = [path.read_text() for path in (ROOT / "playbooks").glob("*.yml")]
    return {name for text in texts for name in re.findall(r"(?m)^#   (\w+)  ", text)}


def _switches() -> set[str]:
    """Return the variables of the roles and playbooks that turn the verification of certificates on and off."""
    paths = [*ROOT.glob("roles/*/tasks/main.yml"), *ROOT.glob("playbooks/*.yml")]
    return {name for path in paths for name in re.findall(r"\w+_validate_certs(?= \|)", path.read_text())}


def test_the_workflow_refers_to_templates_and_nodes_that_exist() -> None:
    assert len(NODES) == len(DESCRIPTION["workflow"]["nodes"])
    for node in NODES.values():
        assert ("approval" in node) != (node.get("template") in TEMPLATES), node
        assert set(_following(node)) <= set(NODES)


def test_every_node_of_the_workflow_is_reached_and_changes_need_the_approval() -> None:
    begin = set(NODES) - {name for node in NODES.values() for name in _following(node)}
    assert begin == {"plan"}
    assert _reached("plan", set()) == set(NODES)
    without_approval = _reached("plan", {"approve"})
    assert all(NODES[name].get("job_type") == "check" for name in without_approval)


def _following(node: Mapping[str, Any]) -> list[str]:
    return [name for outcome in ("success", "failure", "always") for name in node.get(outcome, [])]


def _reached(begin: str, closed: set[str]) -> set[str]:
    reached, waiting = set(), [begin]
    while waiting:
        name = waiting.pop()
        if name not in reached | closed:
            reached.add(name)
            waiting += _following(NODES[name])
    return reached


# The library that controllers read rules with; the day is that of datetime.weekday().
_NEXT = """
import datetime, sys
from dateutil import rrule
now = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
rule = rrule.rrulestr(sys.argv[1])
first = rule.after(now)
print(first.weekday(), (rule.after(first) - first).days)
"""


@pytest.mark.parametrize(
    ("name", "weekday", "days"),
    [("gantry.vsphere nightly report", "6", "1"), ("gantry.vsphere weekly rebalance", "6", "7")],
)
def test_the_schedules_recur_as_they_say(awx_programs: Path, name: str, weekday: str, days: str) -> None:
    (schedule,) = (one for one in DESCRIPTION["schedules"] if one["name"] == name)
    command = [awx_programs / "python", "-c", _NEXT, schedule["rrule"]]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [weekday, days]

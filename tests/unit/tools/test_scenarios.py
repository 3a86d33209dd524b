# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the counting of Molecule's steps: a step that did not succeed, and a run without steps, are failures."""

from __future__ import annotations

import pytest
import yaml

from devkit.console import ToolError
from tools import scenarios
from tools.scenarios import SCENARIOS, count

LOG = """\
INFO     Found config file extensions/molecule/config.yml
INFO     [containers > syntax] Executing
INFO     [containers > syntax] Executed: Successful
INFO     [containers > converge] Executing
TASK [gantry.vsphere.containers : Executed: Failed] ****
INFO     [containers > converge] Executed: Successful
"""


def test_steps_are_counted_by_their_outcome() -> None:
    counts = count(
        "containers", [*LOG.splitlines(True), "ERROR    [containers > verify] \x1b[31mExecuted: Failed\x1b[0m\n"], 2
    )
    assert (counts.passed, counts.failed, counts.problem) == (2, 1, "")
    assert counts.failures == ("molecule containers: verify: Failed",)


def test_a_step_without_its_playbook_is_a_failure() -> None:
    missing = "WARNING  [containers > cleanup] Executed: Missing playbook (Remove from test_sequence to suppress)\n"
    assert count("containers", [*LOG.splitlines(True), missing], 0).failed == 1


@pytest.mark.parametrize(("output", "code"), [("", 0), (LOG, 1)], ids=["no step", "fails outside of the steps"])
def test_a_run_that_shows_no_failed_step_can_still_be_a_failure(output: str, code: int) -> None:
    counts = count("containers", output.splitlines(True), code)
    assert not counts.good
    assert "molecule containers: exit code" in counts.problem


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ToolError, match=r"no Molecule scenario nothing\. The scenarios are: "):
        scenarios.molecule(["nothing"])


def test_every_scenario_has_the_playbooks_of_the_sequence() -> None:
    shared = yaml.safe_load((SCENARIOS / "config.yml").read_text())
    playbooks = {"check": "converge", "idempotence": "converge", "syntax": "converge"}
    needed = {playbooks.get(step, step) for step in shared["scenario"]["test_sequence"]}
    for name in scenarios.names():
        assert needed <= {path.stem for path in (SCENARIOS / name).glob("*.yml")}, name

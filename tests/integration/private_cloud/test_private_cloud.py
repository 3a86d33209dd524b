# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role private_cloud: predicted by check mode, done by one run, left alone by the next, taken away again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.cloud import cloud_result, cloud_variables, container_variables, run_playbook, unexpected
from tests.support.lab.control import Control
from tests.support.lab.inventory_dump import differences, dump_vcenter
from tests.support.lab.playbook import PlaybookRunner

# The requests of a whole second run of site, all tasks together.
BUDGET = 50


@pytest.fixture(scope="module")
def found(lab: dict[str, Any]) -> dict[str, Any]:
    """Return what the vCenter has before the tests of this file."""
    return dump_vcenter(lab["vcenter"])


@pytest.mark.timeout(600)
def test_an_empty_vcenter_becomes_a_place_for_containers(
    play: PlaybookRunner, lab: dict[str, Any], iso: Path, found: dict[str, Any], calls: Control
) -> None:
    variables = cloud_variables(lab, iso)
    predicted = cloud_result(run_playbook(play, "site", variables, check=True))
    assert differences(found, dump_vcenter(lab["vcenter"])) == {}
    done = cloud_result(run_playbook(play, "site", variables))
    assert done["changed"]
    assert predicted == done
    assert [step for step, actions in done["actions"].items() if not actions] == []
    complete = dump_vcenter(lab["vcenter"])
    calls.forget()
    again = cloud_result(run_playbook(play, "site", variables))
    assert not again["changed"], again
    # Eight steps, each of them planned and then run: about three requests for each.
    assert len(calls.methods()) <= BUDGET, calls.methods()
    assert differences(complete, dump_vcenter(lab["vcenter"])) == {}


@pytest.mark.timeout(900)
def test_teardown_leaves_the_vcenter_as_it_was_found(
    play: PlaybookRunner, lab: dict[str, Any], iso: Path, found: dict[str, Any]
) -> None:
    variables = cloud_variables(lab, iso)
    run_playbook(play, "site", variables).ok()
    with_containers = {**variables, **container_variables(lab)}
    run_playbook(play, "rollout", with_containers).ok()
    complete = dump_vcenter(lab["vcenter"])
    # What holds something that is not listed is refused, and names it.
    refused = run_playbook(play, "teardown", variables)
    assert "is the base of a VM: /DC0/vm/prod/web/cloud-web-1. Its disk" in refused.last["msg"], refused.output
    predicted = cloud_result(run_playbook(play, "teardown", with_containers, check=True))
    assert differences(complete, dump_vcenter(lab["vcenter"])) == {}
    done = cloud_result(run_playbook(play, "teardown", with_containers))
    assert predicted == done
    assert unexpected(differences(found, dump_vcenter(lab["vcenter"]))) == {}
    assert not cloud_result(run_playbook(play, "teardown", with_containers))["changed"]

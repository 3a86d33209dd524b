# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role private_cloud: predicted by check mode, done by one run, left alone by the next, taken away again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.lab.cloud import cloud_result, cloud_variables, run_playbook, unexpected
from tests.support.lab.inventory_dump import differences, dump_vcenter
from tests.support.lab.playbook import PlaybookRunner


def test_an_empty_vcenter_becomes_a_place_for_containers_and_is_left_as_it_was_found(
    play: PlaybookRunner, lab: dict[str, Any], iso: Path
) -> None:
    variables = cloud_variables(lab, iso)
    found = dump_vcenter(lab["vcenter"])
    predicted = cloud_result(run_playbook(play, "site", variables, check=True))
    assert differences(found, dump_vcenter(lab["vcenter"])) == {}
    done = cloud_result(run_playbook(play, "site", variables))
    assert done["changed"]
    assert predicted == done
    assert [step for step, actions in done["actions"].items() if not actions] == []
    complete = dump_vcenter(lab["vcenter"])
    again = cloud_result(run_playbook(play, "site", variables))
    assert not again["changed"], again
    assert differences(complete, dump_vcenter(lab["vcenter"])) == {}
    predicted = cloud_result(run_playbook(play, "teardown", variables, check=True))
    assert differences(complete, dump_vcenter(lab["vcenter"])) == {}
    done = cloud_result(run_playbook(play, "teardown", variables))
    assert predicted == done
    assert unexpected(differences(found, dump_vcenter(lab["vcenter"]))) == {}
    assert not cloud_result(run_playbook(play, "teardown", variables))["changed"]

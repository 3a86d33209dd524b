# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the playbook rollout killed at random points: the next run converges, without orphans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.iso import make_iso
from tests.support.lab.killed import PARTS, KillablePlaybook, assert_converges
from tests.support.lab.playbook import PlaybookRunner


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", PARTS)
def test_a_rollout_converges(
    tmp_path: Path, lab: dict[str, Any], operator: dict[str, str], play: PlaybookRunner, calls: Control, part: int
) -> None:
    iso, image = {"src": str(make_iso(tmp_path, "9.9.3"))}, {"name": lab["images"]["tiny"]}
    play({"gantry.vsphere.bootstrap_image": iso}).ok()
    rollout = KillablePlaybook(
        tmp_path,
        operator,
        {
            "containers_project": "killed",
            "containers_cluster": lab["cluster"],
            "containers_registry_tls_verify": False,
            "containers_list": [{"name": "killed", "image": image["name"], "replicas": 3}],
            "containers_rules": [{"name": "apart", "type": "separate", "containers": ["killed"]}],
        },
        "rollout.yml",
    )

    def remove() -> None:
        rollout.play(containers_state="absent")
        play({"gantry.vsphere.container_image": {**image, "state": "absent"}}).ok()

    assert_converges(rollout, lab, remove, calls, part=part)
    play({"gantry.vsphere.bootstrap_image": {**iso, "state": "absent"}}).ok()

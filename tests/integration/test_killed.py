# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the playbook rollout killed at random points: the next run converges, without orphans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.iso import make_iso
from tests.support.lab.killed import PARTS, KillablePlaybook, assert_converges


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("part", PARTS)
def test_a_rollout_converges(
    tmp_path: Path, lab: dict[str, Any], operator: dict[str, str], direct: DirectRunner, calls: Control, part: int
) -> None:
    iso, image = {"src": str(make_iso(tmp_path, "9.9.3"))}, {"name": lab["images"]["tiny"]}
    containers = [{"name": "killed", "image": image["name"], "replicas": 3}]
    direct({"gantry.vsphere.bootstrap_image": iso}).ok()
    rollout = KillablePlaybook(
        tmp_path,
        operator,
        {
            "containers_project": "killed",
            "containers_cluster": lab["cluster"],
            "containers_registry_tls_verify": False,
            "containers_list": containers,
            "containers_rules": [{"name": "apart", "type": "separate", "containers": ["killed"]}],
        },
        "rollout.yml",
    )

    def remove() -> None:
        listed = {"project": "killed", "state": "absent", "containers": containers}
        direct({"gantry.vsphere.container_set": listed}).ok()
        direct(
            {"gantry.vsphere.drs_ruleset": {"cluster": lab["cluster"], "purge": True, "purge_prefix": "killed-"}}
        ).ok()
        direct({"gantry.vsphere.container_image": {**image, "state": "absent"}}).ok()

    assert_converges(rollout, lab, remove, calls, part=part)
    direct({"gantry.vsphere.bootstrap_image": {**iso, "state": "absent"}}).ok()

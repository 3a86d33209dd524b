# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the demo's and the rollout's playbook killed at random points: the next run converges, without orphans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.fake_servers import answering
from tests.support.lab.iso import make_iso
from tests.support.lab.killed import KillablePlaybook, assert_converges
from tests.support.lab.playbook import PlaybookRunner

_PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\na page"


@pytest.mark.timeout(3600)
def test_the_demo_converges(
    tmp_path: Path, lab: dict[str, Any], connection: dict[str, str], play: PlaybookRunner
) -> None:
    iso = {"src": str(make_iso(tmp_path, "9.9.2"))}
    with answering(_PAGE) as port:
        demo = KillablePlaybook(
            tmp_path,
            connection,
            {
                "demo_name": "killed-web",
                "demo_image": lab["images"]["nginx"],
                "demo_registry_tls_verify": False,
                "demo_bootstrap_iso": iso["src"],
                # Nothing boots in this lab, so the test serves the page.
                "demo_url": f"http://127.0.0.1:{port}/",
            },
            "demo.yml",
        )

        def remove() -> None:
            demo.play("demo_remove.yml")
            image = {"name": lab["images"]["nginx"], "state": "absent"}
            play(
                [
                    {"gantry.vsphere.container_image": image},
                    {"gantry.vsphere.bootstrap_image": {**iso, "state": "absent"}},
                ]
            ).ok()

        assert_converges(demo, lab, remove)


@pytest.mark.timeout(3600)
def test_a_rollout_converges(
    tmp_path: Path, lab: dict[str, Any], connection: dict[str, str], play: PlaybookRunner
) -> None:
    iso, image = {"src": str(make_iso(tmp_path, "9.9.3"))}, {"name": lab["images"]["tiny"]}
    play({"gantry.vsphere.bootstrap_image": iso}).ok()
    rollout = KillablePlaybook(
        tmp_path,
        connection,
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

    assert_converges(rollout, lab, remove)
    play({"gantry.vsphere.bootstrap_image": {**iso, "state": "absent"}}).ok()

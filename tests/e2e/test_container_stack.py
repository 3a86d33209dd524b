# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a Compose project boots: services find each other by name, a job runs between them, and it is scaled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.guests.containers import MEMORY, PATIENCE, Containers
from tests.support.runtime import runtime_package

STACK = "gantry.vsphere.container_stack"
# The job fails unless the server answers by the name of its service, with the content of the project's file and with
# the secret, which only the two know.
FILE = """
name: shop
services:
  web:
    image: {tiny}
    entrypoint: [/bin/sh, -c]
    command: ["cp /run/secrets/word /www/word && exec httpd -f -p 80 -h /www"]
    mem_limit: {memory}
    tmpfs: [/www]
    volumes: ["./page.html:/www/page.html:ro"]
    secrets: [word]
    healthcheck: {{test: wget -q -O - http://127.0.0.1/word, interval: 1m, start_interval: 300ms, start_period: 2m}}
  check:
    image: {tiny}
    entrypoint: [/bin/sh, -c]
    command: ["wget -q -O - http://web/page.html && wget -q -O - http://web/word | cmp - /run/secrets/word"]
    mem_limit: {memory}
    secrets: [word]
    depends_on: {{web: {{condition: service_healthy}}}}
  app:
    image: {tiny}
    entrypoint: [/bin/sh, -c]
    command: ["trap 'exit 0' TERM; while :; do sleep 1; done"]
    mem_limit: {memory}
    depends_on: {{check: {{condition: service_completed_successfully}}}}
    post_start: [{{command: [sh, -c, "echo $$WHAT $$(pwd)"], working_dir: /etc, environment: {{WHAT: started}}}}]
    pre_stop: [{{command: [echo, drained]}}]
secrets: {{word: {{file: word.txt}}}}
"""

BROKEN = """
name: shop
services:
  app:
    image: {tiny}
    command: [sleep, "1000"]
    entrypoint: []
    mem_limit: {memory}
    post_start: [{{command: [sh, -c, "echo no way; exit 3"]}}]
"""


@pytest.fixture
def project(containers: Containers, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Write the project, and return the options of the task."""
    (tmp_path / "compose.yaml").write_text(FILE.format(tiny=containers.image("tiny"), memory=MEMORY.lower()))
    (tmp_path / "page.html").write_text("the page of the project\n")
    (tmp_path / "word.txt").write_text("a word that only they know\n")
    with runtime_package(tmp_path / "runtime"):
        yield {
            "project_src": str(tmp_path),
            "networks": {"*": "VM Network"},
            "guest_key": "key-of-the-stack",
            "wait_timeout": 2 * PATIENCE,
        }
    absent = {"project": "shop", "state": "absent"}
    containers.direct({"gantry.vsphere.container_set": absent}).ok()


def test_a_project_boots_in_order_and_is_scaled(containers: Containers, project: dict[str, Any]) -> None:
    def run(**more: Any) -> Any:
        predicted = containers.direct({STACK: {**project, **more}}, check=True).ok().last
        done = containers.direct({STACK: {**project, **more}}).ok().last
        assert predicted["actions"] == done["actions"]
        assert not containers.direct({STACK: {**project, **more}}).ok().last.changed
        return done

    made = run()
    facts = {one["name"]: one for one in made["containers"]}
    assert (facts["shop-check-1"]["exit_code"], facts["shop-check-1"]["state"]) == (0, "stopped")
    assert containers.look("shop-check-1", logs=True)["log"] == "the page of the project\n"
    assert facts["shop-web-1"]["started_at"] < facts["shop-check-1"]["started_at"]
    assert facts["shop-check-1"]["finished_at"] < facts["shop-app-1"]["started_at"]

    scaled = run(scale={"app": 2})
    assert scaled["services"]["app"] == ["shop-app-1", "shop-app-2"]
    kept = {one["name"]: one["started_at"] for one in scaled["containers"]}
    assert kept["shop-app-1"] == facts["shop-app-1"]["started_at"]

    run(services=["app"], state="stopped", scale={"app": 2})
    assert containers.look("shop-app-1", logs=True)["log"] == "started /etc\ndrained\n"
    assert run(state="absent")["containers"] == []

    # The container counts as started when its commands are done.
    broken = {**project, "definition": BROKEN.format(tiny=containers.image("tiny"), memory=MEMORY.lower())}
    del broken["project_src"]
    failed = containers.direct({STACK: broken}).last
    assert failed.failed, failed
    assert 'post_start[0] "sh" ended with exit code 3: no way' in failed["msg"], failed["msg"]

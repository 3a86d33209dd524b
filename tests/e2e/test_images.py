# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test images of several layers, and the writable layer of containers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from lab.images.nginx import PAGE
from tests.support.guests.containers import PATIENCE, Containers

OFFLINE = "registry.invalid/offline/nginx:1"


@pytest.fixture
def offline(containers: Containers, tmp_path: Path) -> dict[str, Any]:
    """Import nginx from an archive, copy it to another datastore, and return the options of a container there."""
    archive = f"docker-archive:{tmp_path}/nginx.tar"
    command = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{containers.image('nginx')}"]
    subprocess.run([*command, f"{archive}:{OFFLINE}"], check=True, capture_output=True)
    imported, copied = (
        containers.direct(
            [
                {"gantry.vsphere.container_image": {"name": OFFLINE, "source": archive, "datastore": "shared0"}},
                {"gantry.vsphere.container_image": {"name": OFFLINE, "datastore": "shared1"}},
                {"gantry.vsphere.bootstrap_image": {"src": containers.lab["bootstrap_iso"], "datastore": "shared1"}},
            ]
        )
        .ok()
        .outcomes[:2]
    )
    assert imported["actions"][-1].startswith(f"import {OFFLINE} ")
    assert copied["actions"][-1].startswith(f"copy {imported['image']['path']} ")
    return {"image": OFFLINE, "datastore": "shared1"}


def test_nginx_serves_what_its_layers_left(containers: Containers, name: str, offline: dict[str, Any]) -> None:
    started = containers.run(name, **offline)["container"]
    assert started["health"] in ("starting", "healthy")
    port = containers.publish(name, 80)
    healthy = containers.run(name, **offline, state="healthy")
    assert healthy["container"]["health"] == "healthy"
    assert containers.get(port) == (200, PAGE)
    assert containers.get(port, "/removed.html")[0] == 404
    assert containers.get(port, "/old/first.html")[0] == 404
    assert containers.get(port, "/link-second.html") == (200, "one content, three names\n")
    stopped = containers.run(name, state="stopped")["container"]
    assert stopped["exit_code"] == 0  # SIGQUIT, the image's stop signal, ends nginx gracefully


def test_health_goes_from_starting_to_healthy(containers: Containers, name: str) -> None:
    started = containers.run(
        name,
        image="tiny",
        entrypoint=["/bin/sh", "-c"],
        command=["sleep 6; touch /tmp/ready; sleep 1000"],
        healthcheck={"test": "test -e /tmp/ready", "interval": "1s", "retries": 30, "start_period": "30s"},
        stop_timeout=1,
    )
    assert started["container"]["health"] == "starting"
    seen = ["starting"]
    deadline = time.monotonic() + PATIENCE
    while seen[-1] == "starting" and time.monotonic() < deadline:
        time.sleep(0.5)
        seen.append(containers.look(name)["health"])
    assert seen[-1] == "healthy"


def test_writable_layer_survives_a_stop_and_not_a_removal(containers: Containers, name: str) -> None:
    port = containers.publish(name, 6379)
    containers.run(name, image="redis", state="healthy")
    assert containers.redis(port, "SET", "colour", "blue") == "+OK\r\n"
    stopped = containers.run(name, state="stopped")["container"]
    assert stopped["exit_code"] == 0
    containers.run(name, image="redis", state="healthy")
    assert containers.redis(port, "GET", "colour") == "$4\r\nblue\r\n"
    containers.remove(name)
    containers.run(name, image="redis", state="healthy")
    assert containers.redis(port, "GET", "colour") == "$-1\r\n"


def test_second_run_changes_nothing(containers: Containers, name: str) -> None:
    options = {"image": "tiny", "env": {"A": "1"}, "labels": {"tier": "front"}}
    first = containers.run(name, **options)
    assert first.changed
    second = containers.run(name, **options)
    assert not second.changed
    assert second["container"]["id"] == first["container"]["id"]

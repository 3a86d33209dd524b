# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the overview of a project, which is what the lookup plugin compose_stack returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._compose.entries import StackSettings
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import read_project
from ansible_collections.gantry.vsphere.plugins.module_utils._container_stack.result_overview import project_overview

FILE = """name: shop
services:
  web:
    image: web
    privileged: true
    expose: ["80"]
    depends_on: [db]
    deploy: {replicas: 2, update_config: {parallelism: 2}}
    secrets: [password]
  db:
    image: db
    container_name: database
    volumes: ["data:/data", "away:/away"]
    networks: [back]
  seed: {image: seed, deploy: {mode: replicated-job}}
secrets: {password: {content: hidden-value}}
volumes: {data: {labels: {a: b}}, away: {external: true, name: far}}
networks: {back: {}, default: {}}
"""


def overview(program: Path, folder: Path, **networks: str) -> dict[str, Any]:
    (folder / "compose.yaml").write_text(FILE.replace("content: hidden-value", "file: ./password"))
    (folder / "password").write_text("hidden-value")
    project = read_project(ComposeRequest(folder, files=(folder / "compose.yaml",)), program)
    return project_overview(project, StackSettings(networks=networks))


def test_services_have_the_options_of_their_containers(program: Path, tmp_path: Path) -> None:
    found = overview(program, tmp_path, **{"*": "VM Network"})
    assert found["project"] == "shop"
    services = found["services"]
    web, db, seed = (services[name] for name in ("web", "db", "seed"))
    assert (web["container"], web["replicas"], web["job"]) == ("shop-web", 2, False)
    assert (web["depends_on"], web["update_config"]) == (["db"], {"parallelism": 2})
    assert web["options"]["image"] == "web"
    assert (db["container"], db["replicas"]) == ("database", 1)
    assert db["options"]["networks"] == [{"name": "VM Network", "aliases": ["db"]}]
    assert seed["job"]


def test_secrets_are_not_shown(program: Path, tmp_path: Path) -> None:
    found = overview(program, tmp_path, **{"*": "VM Network"})
    (secret,) = found["services"]["web"]["options"]["secrets"]
    assert secret == {"name": "password", "target": "/run/secrets/password", "bytes": len("hidden-value")}
    assert "aGlkZGVu" not in json.dumps(found)


def test_refused_and_ignored_attributes_have_their_places(program: Path, tmp_path: Path) -> None:
    found = overview(program, tmp_path, **{"*": "VM Network"})
    file = str(tmp_path / "compose.yaml")
    (refused,) = found["refused"]
    assert refused["reason"].startswith("A container is a virtual machine")
    assert {**refused, "reason": ""} == {"attribute": "services.web.privileged", "file": file, "line": 5, "reason": ""}
    assert ("services.web.expose", 6) in [(one["attribute"], one["line"]) for one in found["ignored"]]


def test_networks_and_volumes(program: Path, tmp_path: Path) -> None:
    found = overview(program, tmp_path, back="Backend")
    assert found["networks"] == {"back": "Backend", "default": None}
    assert "networks.default" in [one["attribute"] for one in found["refused"]]
    assert found["volumes"] == {
        "away": {"name": "far", "created": False, "labels": {}, "driver_opts": {}},
        "data": {"name": "shop_data", "created": True, "labels": {"a": "b"}, "driver_opts": {}},
    }

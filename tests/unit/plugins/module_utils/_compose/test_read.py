# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that projects are read by the real program, and that its limits and failures become errors that help."""

from __future__ import annotations

import platform
import resource
import sys
import types
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._compose import read
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.model import ComposePlace, ComposeRequest
from ansible_collections.gantry.vsphere.plugins.module_utils._compose.read import find_program, read_project

SHOP = """
services:
  web:
    image: nginx:${TAG}
    ports: ["8080:80"]
    depends_on: [db]
  db:
    image: postgres
    profiles: [data]
volumes:
  data: {}
"""


def script(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_project_is_read(program: Path, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(SHOP)
    (tmp_path / "tag.env").write_text("TAG=wrong\n")
    request = ComposeRequest(
        directory=tmp_path,
        files=(tmp_path / "compose.yml",),
        definition="services: {web: {hostname: web}}",
        project_name="shop",
        env_files=(tmp_path / "tag.env",),
        profiles=("data",),
        variables={"TAG": "1.2"},
    )
    project = read_project(request, program)
    assert project.name == "shop"
    web = project.services["web"]
    assert (web["image"], web["hostname"]) == ("nginx:1.2", "web")
    assert web["depends_on"] == {"db": {"condition": "service_started", "required": True}}
    assert web["ports"] == [{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}]
    assert project.volumes == {"data": {"name": "shop_data"}}
    places = {".".join(one.path): (one.pattern, one.place) for one in project.attributes}
    file = str(tmp_path / "compose.yml")
    assert places["services.web.ports"] == ("services.*.ports", ComposePlace(file, 5))
    assert places["services.web.hostname"] == ("services.*.hostname", ComposePlace("definition", 1))


def test_what_the_loader_warns_of_is_kept(program: Path, tmp_path: Path) -> None:
    project = read_project(ComposeRequest(tmp_path, definition=SHOP.replace("[db]", "[]")), program)
    assert [warning for warning in project.warnings if "TAG" in warning]


def test_an_error_has_file_line_attribute_and_the_nearest_one(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "compose.yml"
    path.write_text("services:\n  web:\n    image: a\n    comand: b\n")
    with pytest.raises(GantryError) as caught:
        read_project(ComposeRequest(tmp_path, (path,)), program)
    assert caught.value.message == (
        f"The Compose files cannot be read. {path}:4: services.web.comand is not an attribute of the Compose "
        "specification. The nearest one is command."
    )
    assert caught.value.details == {
        "cause": "unknown_attribute",
        "file": str(path),
        "line": 4,
        "key": "services.web.comand",
        "nearest": "command",
    }


def test_the_environment_of_the_process_is_not_read(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAG", "process")
    project = read_project(ComposeRequest(tmp_path, definition="services: {a: {image: 'a:${TAG:-none}'}}"), program)
    assert project.services["a"]["image"] == "a:none"


def test_variables_are_not_shown(tmp_path: Path) -> None:
    assert "hunter2" not in repr(ComposeRequest(tmp_path, definition="a", variables={"PASSWORD": "hunter2"}))


def test_the_memory_of_the_program_is_limited(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Go itself takes up to 80 MiB, and the definition is copied more than once.
    monkeypatch.setattr(read, "_MEMORY", 100 * MIB)
    with pytest.raises(GantryError, match="takes more than 100 MiB of memory") as caught:
        read_project(ComposeRequest(tmp_path, definition="#" * (15 * MIB)), program)
    assert caught.value.details == {"cause": "memory"}


@pytest.mark.parametrize(
    ("inherited", "limit"), [(resource.RLIM_INFINITY, 1024 * MIB), (512 * MIB, 512 * MIB), (2048 * MIB, 1024 * MIB)]
)
def test_the_memory_limit_is_in_force_before_the_request_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inherited: int, limit: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (inherited, inherited))
    report = script(tmp_path, "read request; echo $(ulimit -S -d) $(ulimit -H -d) >&2; exit 7")
    with pytest.raises(GantryError, match=rf"Its message is: {limit // 1024} {limit // 1024}\.$"):
        read_project(ComposeRequest(tmp_path, definition="a"), report)


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match=r"within 0\.2 seconds") as caught:
        read_project(ComposeRequest(tmp_path, definition="a"), script(tmp_path, "exec sleep 60"), seconds=0.2)
    assert caught.value.details == {"cause": "timeout"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat >/dev/null; echo it broke >&2; exit 7", r"ended with exit code 7\. Its message is: it broke\.$"),
        ("cat >/dev/null; echo no JSON", r"ended with exit code 0\. Its message is: no message\.$"),
        ("exit 3", r"ended with exit code 3"),
    ],
)
def test_a_program_that_does_not_answer_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GantryError, match=message):
        read_project(ComposeRequest(tmp_path, definition="a" * 1_000_000), script(tmp_path, text))


def test_a_program_that_cannot_be_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match="cannot be run: No such file"):
        read_project(ComposeRequest(tmp_path, definition="a"), tmp_path / "missing")


def test_requests_need_absolute_paths_and_a_file() -> None:
    with pytest.raises(GantryError, match="is not absolute"):
        ComposeRequest(Path("relative"), definition="a")
    with pytest.raises(GantryError, match="is not absolute"):
        ComposeRequest(Path("/"), files=(Path("a.yml"),))
    with pytest.raises(GantryError, match="needs a file or a definition"):
        ComposeRequest(Path("/"))


def test_the_program_is_that_of_the_runtime_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("gantry_vsphere_runtime")
    monkeypatch.setitem(sys.modules, package.__name__, package)
    with pytest.raises(GantryError, match="is too old"):
        find_program()
    package.compose_program = lambda: tmp_path / "gantry-compose"  # type: ignore[attr-defined]
    assert find_program() == tmp_path / "gantry-compose"
    monkeypatch.setitem(sys.modules, package.__name__, None)
    with pytest.raises(GantryError, match="pip install gantry-vsphere-runtime"):
        find_program()
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(GantryError, match="on Linux on aarch64"):
        find_program()

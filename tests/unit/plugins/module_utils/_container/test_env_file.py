# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test files of environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.env_file import parse_env_file
from ansible_collections.gantry.vsphere.plugins.module_utils._container.operation import ContainerVm
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.operation import ContainerSet
from tests.support.builders.containers import task

CONTENT = '# secrets\n\nA=1\r\n  B=two words \nC="quoted"=yes\nEMPTY=\n'
PARSED = {"A": "1", "B": "two words", "C": '"quoted"=yes', "EMPTY": ""}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "web.env"
    path.write_text(CONTENT)
    return path


def env_of(**options: Any) -> dict[str, str]:
    """Return the variables of a container, as a task loads and parses them."""
    operation = ContainerVm()
    config = operation.desire(operation.load(task(image="app:1", **options))).config
    assert config is not None
    env: dict[str, str] = config.values["env"]
    return env


def test_the_format_is_dockers() -> None:
    assert parse_env_file(CONTENT, "web.env") == PARSED


def test_variables_of_the_task_override_those_of_the_file(file: Path) -> None:
    assert env_of(env_file=str(file)) == PARSED
    assert env_of(env_file=str(file), env={"A": "2", "D": "3"}) == {**PARSED, "A": "2", "D": "3"}


@pytest.mark.parametrize("line", ["PASSWORD", "=hunter2"])
def test_a_line_that_is_no_variable_is_refused_and_not_shown(line: str) -> None:
    with pytest.raises(GantryError) as caught:
        parse_env_file(f"A=1\n{line}\n", "/etc/web.env")
    assert caught.value.message.startswith("Line 2 of env_file /etc/web.env is not NAME=value.")
    assert line not in caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match=r"^env_file .*/none\.env cannot be read: .*No such file"):
        env_of(env_file=str(tmp_path / "none.env"))
    with pytest.raises(GantryError, match=r"^env_file is 'web\.env'\. It must be an absolute path"):
        env_of(env_file="web.env")
    (tmp_path / "latin.env").write_bytes(b"A=\xe4")
    with pytest.raises(GantryError, match="cannot be read: 'utf-8' codec"):
        env_of(env_file=str(tmp_path / "latin.env"))


def test_a_file_is_of_a_configuration(file: Path) -> None:
    operation = ContainerVm()
    with pytest.raises(GantryError, match="env_file given without image"):
        operation.desire(operation.load(task(env_file=str(file))))
    gone = operation.load(task(state="absent", env_file="/nowhere/web.env"))
    assert operation.desire(gone).config is None


def test_a_set_reads_the_file_of_each_container_or_that_of_the_defaults(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.env"
    other.write_text("A=other\n")
    operation = ContainerSet()
    given = {option: spec.get("default") for option, spec in operation.argument_spec.items()}
    given |= {
        "project": "shop",
        "defaults": {"image": "app:1", "env_file": str(file), "env": {"B": "default"}},
        "containers": [{"name": "web", "env": {"EMPTY": "no"}}, {"name": "db", "env_file": str(other)}],
    }
    web, db = (one.config for one in operation.desire(operation.load(given)).containers)
    assert web is not None
    assert web.values["env"] == {**PARSED, "B": "default", "EMPTY": "no"}
    assert db is not None
    assert db.values["env"] == {"A": "other", "B": "default"}
    given["containers"] = [{"name": "web", "env_file": "/nowhere/web.env"}]
    with pytest.raises(GantryError, match=r"^containers\[0\] \(web\): env_file /nowhere/web\.env cannot be read"):
        operation.load(given)

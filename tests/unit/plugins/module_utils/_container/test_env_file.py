# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test files of environment variables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.env_file import parse_env_file
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.desire import desire_set
from ansible_collections.gantry.vsphere.plugins.module_utils._container_set.options import set_argument_spec
from tests.support.builders.containers import desired_container

CONTENT = '# secrets\n\nA=1\r\n  B=two words \nC="quoted"=yes\nEMPTY=\n'
PARSED = {"A": "1", "B": "two words", "C": '"quoted"=yes', "EMPTY": ""}


def env_of(**options: Any) -> dict[str, str]:
    """Return the variables of a container."""
    config = desired_container(image="app:1", **options).config
    assert config is not None
    env: dict[str, str] = config.values["env"]
    return env


def test_the_format_is_dockers() -> None:
    assert parse_env_file(CONTENT, "web.env") == PARSED


def test_variables_of_the_task_override_those_of_the_file() -> None:
    assert env_of(env_file_content=CONTENT) == PARSED
    assert env_of(env_file="web.env", env_file_content=CONTENT, env={"A": "2", "D": "3"}) == {
        **PARSED,
        "A": "2",
        "D": "3",
    }


@pytest.mark.parametrize("line", ["PASSWORD", "=hunter2"])
def test_a_line_that_is_no_variable_is_refused_and_not_shown(line: str) -> None:
    for path, name in (("/etc/web.env", "env_file /etc/web.env"), (None, "env_file_content")):
        with pytest.raises(GantryError) as caught:
            parse_env_file(f"A=1\n{line}\n", path)
        assert caught.value.message.startswith(f"Line 2 of {name} is not NAME=value.")
        assert line not in caught.value.message


def test_a_file_that_was_not_read_is_not_ignored() -> None:
    with pytest.raises(GantryError, match=r"^env_file is 'web\.env', and its content is not given\."):
        env_of(env_file="web.env")


def test_a_file_is_of_a_configuration() -> None:
    with pytest.raises(GantryError, match="env_file_content given without image"):
        desired_container(env_file_content=CONTENT)
    assert desired_container(state="absent", env_file="web.env").config is None


def test_a_container_of_a_set_has_a_file_of_its_own_or_that_of_the_defaults() -> None:
    given = {option: spec.get("default") for option, spec in set_argument_spec().items()}
    given |= {
        "project": "shop",
        "defaults": {"image": "app:1", "env_file": "all.env", "env_file_from": "1", "env": {"B": "default"}},
        "containers": [{"name": "web", "env": {"EMPTY": "no"}}, {"name": "db", "env_file_from": "2"}],
        "contents": {"1": {"content": CONTENT}, "2": {"content": "A=other\n"}},
    }
    web, db = (one.config for one in desire_set(given).containers)
    assert web is not None
    assert web.values["env"] == {**PARSED, "B": "default", "EMPTY": "no"}
    assert db is not None
    assert db.values["env"] == {"A": "other", "B": "default"}
    given["containers"] = [{"name": "web", "env_file_from": "3"}]
    with pytest.raises(GantryError, match=r"^containers\[0\] \(web\): env_file_from is '3', and contents has no"):
        desire_set(given)

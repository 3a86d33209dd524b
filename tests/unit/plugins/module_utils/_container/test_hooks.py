# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test commands after the start and before the stop of a container: their options, the guest document, and the diff."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_view import (
    differing_views,
    machine_view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options_values import restored
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target import new_machine
from tests.support.builders.containers import IMAGES, desired_container, place_of

SECRET = "5a1e-of-a-variable"


def hook(command: Any, **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(("user", "working_dir", "env")), "command": command, **more}


def machine_of(**options: Any) -> Any:
    wanted = desired_container(image="image:0", **options)
    assert wanted.config is not None
    return new_machine(wanted, wanted.config, "web", IMAGES[0], place_of(wanted.config))


def test_the_guest_gets_commands_with_what_differs_from_the_process() -> None:
    document = machine_of(
        post_start=[hook("touch '/run/a b'", user="0:0", working_dir="/srv", env={"B": "c", "A": "b"})],
        pre_stop=[hook(["sh", "-c", "exit 0"])],
    ).document
    assert document["hooks"] == {
        "post_start": [{"args": ["touch", "/run/a b"], "env": ["A=b", "B=c"], "user": "0:0", "cwd": "/srv"}],
        "pre_stop": [{"args": ["sh", "-c", "exit 0"], "env": [], "user": "", "cwd": ""}],
    }
    # Earlier bootstraps do not know them.
    assert "hooks" not in machine_of().document


def test_the_record_of_a_command_is_read_as_it_was_given() -> None:
    wanted = desired_container(image="image:0", pre_stop=[hook("sync", env={"A": "b"})])
    assert wanted.config is not None
    document = json.loads(json.dumps(wanted.config.document()))
    assert restored("pre_stop", document["pre_stop"]) == wanted.config.values["pre_stop"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([hook("")], "pre_stop[0].command is '', which has no program"),
        ([hook("a"), hook(["", "x"])], "pre_stop[1].command is"),
        ([hook([1])], "pre_stop[0].command holds 1, which is not a string"),
        ([hook("a 'b")], "cannot be split into words"),
        ([hook("a", working_dir="srv")], "pre_stop[0].working_dir is 'srv'. It must be an absolute path"),
        ([hook("a", env={"A": 1})], "pre_stop[0].env 'A' is not a string"),
        ([hook("a", env={"A=": "b"})], "pre_stop[0].env 'A=' is not the name of an environment variable"),
        ([hook("a")] * 17, "pre_stop has 17 commands, and at most 16 are possible"),
    ],
)
def test_a_wrong_command_is_refused(given: Any, message: str) -> None:
    with pytest.raises(GantryError) as refused:
        desired_container(image="image:0", pre_stop=given)
    assert message in refused.value.message


def test_a_diff_shows_which_variables_differ_and_no_value() -> None:
    old = machine_of(pre_stop=[hook("sync", env={"A": SECRET, "SAME": SECRET})])
    new = machine_of(pre_stop=[hook("sync", env={"A": SECRET + "2", "SAME": SECRET}), hook("true", env={"B": SECRET})])
    before, after = differing_views(old, replace(old, config=new.config))
    assert before["pre_stop"] == [{**hook(["sync"]), "env": {"A": "(value not shown)"}}]
    assert after["pre_stop"] == [
        {**hook(["sync"]), "env": {"A": "(another value, not shown)"}},
        {**hook(["true"]), "env": {"B": "(value not shown)"}},
    ]
    assert machine_view(new)["pre_stop"][1]["env"] == {"B": "(value not shown)"}
    assert SECRET not in json.dumps([before, after, machine_view(new)], default=str)

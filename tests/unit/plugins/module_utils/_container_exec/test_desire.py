# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the options of a program to run, and what the guest gets of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.desire import desire_exec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import DesiredExec
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.options import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_ONE_OF,
    exec_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.modules import container_vm_exec
from tests.support.docs.shapes import option_shape

KEY = "0123456789abcdef"


def desire(**options: Any) -> DesiredExec:
    if "argv" not in options and "command" not in options:
        options["argv"] = ["true"]
    checked = ArgumentSpecValidator(
        exec_argument_spec(), mutually_exclusive=MUTUALLY_EXCLUSIVE, required_one_of=REQUIRED_ONE_OF
    ).validate({"name": "web", "guest_key": KEY, **options})
    assert not checked.error_messages, checked.error_messages
    return desire_exec(checked.validated_parameters)


def request_of(desired: DesiredExec) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(desired.arguments)
    return request


def test_the_documentation_has_the_options_of_the_argument_spec() -> None:
    described = yaml.safe_load(container_vm_exec.DOCUMENTATION)["options"]
    assert list(described) == list(exec_argument_spec())
    for name, argument in exec_argument_spec().items():
        assert option_shape(described[name], "suboptions") == option_shape(argument, "options"), name


def test_the_defaults_leave_everything_to_the_container() -> None:
    desired = desire(argv=["ls", "-l"])
    assert request_of(desired) == {
        "command": ["ls", "-l"],
        "user": "",
        "env": {},
        "working_dir": "",
        "stdin": "",
        "timeout": 3600,
        "limit": 1 << 20,
    }
    assert (desired.program, desired.timeout) == ("ls", 3600)


def test_a_command_is_split_as_a_shell_does() -> None:
    assert request_of(desire(command="sh -c 'echo \"$HOME\"'"))["command"] == ["sh", "-c", 'echo "$HOME"']


@pytest.mark.parametrize(("options", "stdin"), [({}, b"a\n"), ({"stdin_add_newline": False}, b"a")])
def test_the_input_ends_with_a_newline_unless_that_is_disabled(options: dict[str, Any], stdin: bytes) -> None:
    assert base64.b64decode(request_of(desire(stdin="a", **options))["stdin"]) == stdin


def test_all_options_reach_the_guest() -> None:
    given = request_of(desire(chdir="/srv", user="www:www", env={"A": "\u00fc"}, stdin="\u00fc", timeout=0))
    assert (given["working_dir"], given["user"], given["env"], given["timeout"]) == (
        "/srv",
        "www:www",
        {"A": "\u00fc"},
        0,
    )
    assert base64.b64decode(given["stdin"]) == "\u00fc\n".encode()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"argv": []}, r"argv is \[\], which has no program"),
        ({"argv": [""]}, r"argv is \[''\], which has no program"),
        ({"command": " "}, "command is ' ', which has no program"),
        ({"command": "a 'b"}, "cannot be split into words"),
        ({"argv": ["a\0b"]}, "argv is .* which contains a NUL character"),
        ({"chdir": "srv"}, "chdir is 'srv'. It must be an absolute path"),
        ({"env": {"A": 1}}, "env 'A' is not a string but a int"),
        ({"env": {"A=B": "1"}}, "is not the name of an environment variable"),
        ({"timeout": -1}, "timeout is -1. It must be at least 0"),
        ({"guest_key": "short"}, "guest_key has 5 characters"),
        ({"stdin": "x" * (40 << 10)}, r"have \d+ bytes as JSON, with stdin in base64. vSphere passes on at most 49152"),
    ],
)
def test_an_invalid_option_is_refused_by_its_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GantryError, match=message):
        desire(**options)


def test_what_may_be_a_secret_is_in_no_representation() -> None:
    text = repr(desire(argv=["login", "s3cret"], env={"TOKEN": "t0ken"}, stdin="passw0rd"))
    assert "login" in text
    for secret in ("s3cret", "t0ken", "passw0rd", KEY):
        assert secret not in text

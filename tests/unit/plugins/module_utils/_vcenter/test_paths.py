# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that tasks give: names between slashes, in which vCenter escapes three characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import (
    child_path,
    decode_name,
    encode_name,
    parse_path,
)

_names = st.text(min_size=1, max_size=20).filter(str.strip)


@given(st.lists(_names, min_size=1, max_size=4))
def test_any_names_can_be_written_as_a_path(names: list[str]) -> None:
    path = ""
    for name in names:
        path = child_path(path, name)
    assert parse_path(path, "path").names == tuple(names)
    assert parse_path(path.removeprefix("/"), "path").names == tuple(names)


@given(_names)
def test_a_name_is_stored_without_the_characters_of_paths(name: str) -> None:
    stored = encode_name(name)
    assert not set(stored) & set("/\\")
    assert decode_name(stored) == name


def test_escape_sequences_are_read_in_either_case() -> None:
    assert parse_path("a%2Fb/c%5cd", "path").names == ("a/b", "c\\d")
    assert parse_path("50% off", "path").names == ("50% off",)


def test_a_whole_path_is_below_its_root_only() -> None:
    root = "/Europe/DC0/vm"
    assert parse_path("/Europe/DC0/vm/prod/web/", "path").names_below(root, "path") == ("prod", "web")
    assert parse_path("prod/web", "path").names_below(root, "path") == ("prod", "web")
    for other in ("/Europe/DC0/vm", "/Europe/DC0/vm2/prod", "/DC0/vm/prod", "/prod"):
        with pytest.raises(GantryError, match="not below /Europe/DC0/vm"):
            parse_path(other, "path").names_below(root, "path")
    # The same names without the slash are below the root, as relative paths are.
    assert not parse_path("Europe/DC0/vm/prod", "path").is_below(root)


@pytest.mark.parametrize("text", ["", "/", "//"])
def test_a_path_names_something(text: str) -> None:
    with pytest.raises(GantryError, match="names nothing"):
        parse_path(text, "path")


@pytest.mark.parametrize("text", ["a//b", "a/ /b", "/a/ "])
def test_no_name_is_empty(text: str) -> None:
    with pytest.raises(GantryError, match="a name is empty"):
        parse_path(text, "path")


def test_a_name_is_as_long_as_vcenter_stores_it() -> None:
    assert parse_path("x" * 80, "path").names == ("x" * 80,)
    for too_long in ("x" * 81, "%25" + "x" * 78):
        with pytest.raises(GantryError, match="longer than vCenter's 80"):
            parse_path(too_long, "path")

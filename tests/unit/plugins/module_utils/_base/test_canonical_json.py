# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the JSON in extraConfig: it is written in one form, and damaged JSON is read as absent."""

from __future__ import annotations

import pytest
from hypothesis import given

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import (
    canonical_json,
    parse_object,
    parse_strings,
)
from tests.support.builders.documents import any_json

DAMAGED = [None, "", "{", "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "null", "1"]


@given(any_json())
def test_a_written_document_is_read_back(value: object) -> None:
    assert parse_object(canonical_json({"value": value})) == {"value": value}
    assert canonical_json(value).isascii()


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_json_is_read_as_absent(text: str | None) -> None:
    assert parse_object(text) is None
    assert parse_strings(text) == ()


def test_other_values_than_strings_are_left_out() -> None:
    assert parse_strings('["a", 1, null, "b"]') == ("a", "b")

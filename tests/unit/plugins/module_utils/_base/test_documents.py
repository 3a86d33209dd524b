# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test untrusted documents: each field is returned with its type, or refused by its path."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.documents import Document, parse_document
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from tests.support.builders.documents import any_json, refusal_of

Read = Callable[[Document], Any]


def parse(raw: bytes | str) -> Document:
    return parse_document(raw, "The document 'x'", {"image": "x"})


def fields(**values: Any) -> Document:
    return parse(json.dumps(values))


GOOD: list[tuple[Any, Read, Any]] = [
    ("text", lambda document: document.text("f"), "text"),
    ("a\0b", lambda document: document.text("f"), "a\0b"),
    (7, lambda document: document.integer("f"), 7),
    (-(2**63), lambda document: document.integer("f"), -(2**63)),
    (False, lambda document: document.boolean("f"), False),
    (["a", ""], lambda document: document.texts("f"), ["a", ""]),
    ({"a": "b"}, lambda document: document.text_map("f"), {"a": "b"}),
    ({"80/tcp": {}, "81/tcp": None}, lambda document: document.name_set("f"), {"80/tcp", "81/tcp"}),
    ({"g": 1}, lambda document: document.child("f").integer("g"), 1),
    ([{"g": 1}, {}], lambda document: [one.integer("g") for one in document.children("f")], [1, None]),
]


@pytest.mark.parametrize(("value", "read", "expected"), GOOD)
def test_a_field_of_the_right_type_is_returned(value: Any, read: Read, expected: Any) -> None:
    assert read(fields(f=value)) == expected


READS: list[Read] = [
    lambda document: document.text("f"),
    lambda document: document.integer("f"),
    lambda document: document.boolean("f"),
    lambda document: document.texts("f"),
    lambda document: document.text_map("f"),
    lambda document: document.name_set("f"),
    lambda document: document.child("f"),
    lambda document: document.children("f"),
]


@pytest.mark.parametrize("read", READS)
def test_a_field_that_is_missing_or_null_is_none(read: Read) -> None:
    assert read(fields()) is None
    assert read(fields(f=None)) is None
    assert "f" not in fields(f=None)


BAD: list[tuple[Any, Read, str]] = [
    (1, lambda document: document.text("f"), "f is a number (1) and must be a string"),
    (True, lambda document: document.integer("f"), "f is a boolean (true) and must be a whole number"),
    (1.0, lambda document: document.integer("f"), "f is a number (1.0) and must be a whole number"),
    (
        2**63,
        lambda document: document.integer("f"),
        "f is a number (9223372036854775808) and must be a whole number of",
    ),
    (-1, lambda document: document.integer("f", least=0), "f is a number (-1) and must be a whole number of 64 bits"),
    (0, lambda document: document.boolean("f"), "f is a number (0) and must be true or false"),
    ("ab", lambda document: document.texts("f"), 'f is a string ("ab") and must be a list of strings'),
    (["a", None], lambda document: document.texts("f"), "f[1] is null and must be a string"),
    (["a", 1], lambda document: document.texts("f"), "f[1] is a number (1) and must be a string"),
    ({"a": 1}, lambda document: document.text_map("f"), 'f["a"] is a number (1) and must be a string'),
    ([], lambda document: document.text_map("f"), "f is a list and must be an object of strings"),
    ({"80": "x"}, lambda document: document.name_set("f"), 'f["80"] is a string ("x") and must be an object'),
    ([1], lambda document: document.children("f"), "f[0] is a number (1) and must be an object"),
    ({}, lambda document: document.children("f"), "f is an object and must be a list of objects"),
    ([{"g": 1}], lambda document: document.children("f")[0].text("g"), "f[0].g is a number (1) and must be a string"),
    ({}, lambda document: document.child("f").required("g", document.text), "f.g is missing"),
    ("x" * 99, lambda document: document.integer("f"), f'f is a string ("{"x" * 39}...) and must be'),
]


@pytest.mark.parametrize(("value", "read", "message"), BAD)
def test_a_field_of_a_wrong_type_is_refused_by_its_path(value: Any, read: Read, message: str) -> None:
    with pytest.raises(GantryError) as refusal:
        read(fields(f=value))
    assert refusal.value.message.startswith(f"The document 'x' cannot be used: its field {message}")
    assert refusal.value.message.endswith(".")
    assert refusal.value.details == {"image": "x", "field": message.partition(" ")[0]}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b'{"a": ' * 200 + b"1" + b"}" * 200,
        b'{"a": ' + b"1" * 10_000 + b"}",
    ],
)
def test_invalid_json_is_refused(raw: bytes) -> None:
    with pytest.raises(GantryError, match=r"^The document 'x' cannot be used: it is not valid JSON\.$"):
        parse(raw)


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"a"'])
def test_json_that_is_not_an_object_is_refused(raw: bytes) -> None:
    with pytest.raises(GantryError, match="it is not a JSON object"):
        parse(raw)


def test_an_unpaired_surrogate_becomes_a_replacement_character() -> None:
    document = parse(rb'{"a": "x\ud800y\ud83d\ude00", "\udc00": "z"}')
    assert document.fields == {"a": "x\ufffdy\U0001f600", "\ufffd": "z"}


@given(st.dictionaries(st.text(), any_json()))
def test_a_document_is_read_back_as_it_was_written(document: dict[str, Any]) -> None:
    assert parse(json.dumps(document)).fields == document


@given(any_json(), st.sampled_from(READS))
def test_any_value_is_returned_or_refused(value: Any, read: Read) -> None:
    error = refusal_of(lambda: read(fields(f=value)))
    assert error is None or " its field f" in error.message

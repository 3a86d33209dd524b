# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that pages of a log are decoded, and that what an untrusted guest may make instead is refused."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.log_page import (
    MAX_PAGE_BYTES,
    decode_page,
    decode_published,
    published_text,
)
from tests.support.builders.log_pages import page, position, published

GUEST = Path(__file__).parents[5] / "guest"


def test_a_page_has_the_lines_with_their_streams_times_and_numbers() -> None:
    found = decode_page(page((1, 5, b"out\n"), (2, 6, b"err"), first=7, lost=2), "The log")
    assert [(one.stream, one.time, one.number, one.text) for one in found.records] == [
        ("stdout", 5 * 10**9, 7, b"out\n"),
        ("stderr", 6 * 10**9, 8, b"err"),
    ]
    assert (found.next.text, found.next.number, found.lost, found.unknown_position) == (position(9), 9, 2, False)
    assert found.text == "out\nerr"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not valid JSON"),
        (b"[]\n", "not a JSON object"),
        (page(next="x"), "its field next is not a position"),
        (page(end=None), "its field end is missing"),
        (page(lost=-1), "its field lost"),
        (page((1, 5, b"out\n"))[:-1], "a record that is not valid"),
        (page((3, 5, b"out\n")), "a record that is not valid"),
        (page((1, 5, b"out\n")) + b"\x01", "ends within a record"),
    ],
)
def test_what_is_no_page_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(GantryError, match=f"^The log cannot be used: .*{reason}"):
        decode_page(raw, "The log")


def test_a_published_log_can_contain_any_bytes() -> None:
    assert published_text(published((1, 0, b"ok\xff\x00\n"))) == "ok\ufffd\x00\n"
    assert published_text(published()) is None


@pytest.mark.parametrize(
    "text", [None, "", "{}", "not base64!", base64.b64encode(b"no deflate").decode(), published()[:-8]]
)
def test_what_is_no_published_log_is_none(text: str | None) -> None:
    assert decode_published(text) is None


def test_the_longest_page_is_that_of_the_guest() -> None:
    found = re.search(r"pageBytes = (\d+) << 10", (GUEST / "guestops/logs.go").read_text())
    assert found is not None
    assert 0 < MAX_PAGE_BYTES - (int(found[1]) << 10) <= 1024

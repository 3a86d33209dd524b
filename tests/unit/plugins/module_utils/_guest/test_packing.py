# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that values of any size that is accepted survive extraConfig, and that others are refused or ignored."""

from __future__ import annotations

import base64
import gzip
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import packing
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.document import MAX_BYTES


def noise(size: int) -> str:
    """Return text that compresses badly."""
    return "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=size))


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=50).map(lambda text: text * 3000))
def test_packed_texts_are_unpacked(text: str) -> None:
    value = packing.pack(text)
    assert packing.unpack(value) == text
    assert value.startswith(packing.PREFIX) == (len(text) > packing.MAX_VALUE_BYTES)
    assert packing.pack(text) == value


def test_a_text_that_fits_is_stored_as_it_is() -> None:
    text = noise(packing.MAX_VALUE_BYTES)
    assert packing.pack(text) == text
    packing.check_fits(text, "It", "Shorten it.")


@pytest.mark.parametrize("text", [noise(100_000), "x" * (MAX_BYTES + 1)], ids=["incompressible", "larger than read"])
def test_a_text_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(
        GantryError, match=rf"^It has {len(text)} bytes .* limits are {MAX_BYTES} bytes.* Shorten it\.$"
    ):
        packing.check_fits(text, "It", "Shorten it.")


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b"truncated")[:-4],
        gzip.compress(b"no ASCII: \xff"),
        gzip.compress(bytes(MAX_BYTES + 1)),
    ],
    ids=["no gzip", "truncated", "no ASCII", "too large"],
)
def test_a_damaged_value_has_no_text(content: bytes) -> None:
    assert packing.unpack(packing.PREFIX + base64.b64encode(content).decode()) is None
    assert packing.unpack(packing.PREFIX + "!") is None

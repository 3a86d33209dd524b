# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the decoding of the record on a scratch disk; tests/e2e/guest/test_scratch.py decodes those of init."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.scratch_record import (
    BEGINNING_BYTES,
    decode_record,
    digest,
    volume_id,
)
from tests.support.builders.scratch_disks import DOCUMENT, ID, OTHER, described, disk, packed


def test_a_record() -> None:
    log = packed(b"to the log\xff\n" * 3)
    found = decode_record(disk(described(log), log=log))
    assert found is not None
    assert (found.container_id, found.document, found.log) == (ID, digest("{}"), "to the log\ufffd\n" * 3)
    names = ("state", "exit_code", "restart_count", "started_at", "finished_at", "error")
    assert {name: found.status[name] for name in names} == {name: DOCUMENT[name] for name in names}


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(BEGINNING_BYTES), id="blank"),
        pytest.param(bytes(1024) + disk()[1024:], id="an earlier bootstrap"),
        pytest.param(disk(volume=OTHER), id="another file system"),
        pytest.param(disk()[:1024] + bytes(3072), id="no file system"),
        pytest.param(disk({**DOCUMENT, "version": 2}), id="another version"),
        pytest.param(disk({**DOCUMENT, "id": 7}), id="no id"),
        pytest.param(disk().replace(b'"exit_code":3', b'"exit_code":0'), id="damaged"),
        pytest.param(disk()[:300].ljust(1024, b"\0") + disk()[1024:], id="cut short"),
    ],
)
def test_another_content_is_no_record(beginning: bytes) -> None:
    assert decode_record(beginning) is None


@pytest.mark.parametrize(
    "log",
    [None, "text", {}, {"bytes": 5}, {"bytes": -1, "crc32": ""}, {"bytes": 4000, "crc32": ""}, {"bytes": True}],
)
def test_a_damaged_log_does_not_hide_the_end(log: Any) -> None:
    found = decode_record(disk({**DOCUMENT, "log": log}))
    assert found is not None
    assert (found.status["exit_code"], found.log) == (3, None)


def test_a_log_is_not_larger_than_what_init_keeps() -> None:
    log = packed(bytes(1 << 20))
    found = decode_record(disk(described(log), log=log))
    assert found is not None
    assert found.log == "\0" * (16 << 10)


def test_the_volume_of_a_disk() -> None:
    assert volume_id(disk(volume=OTHER)) == OTHER
    assert volume_id(bytes(BEGINNING_BYTES)) is None


@given(st.binary(max_size=2048))
def test_any_content_after_the_magic_number_is_decoded_or_refused(content: bytes) -> None:
    valid = disk()
    decode_record(b"GANTRYEND1\n" + content.ljust(1013, b"\0")[:1013] + valid[1024:])
    text = content[:1004].rstrip(b"\0")
    checked = b"GANTRYEND1\n%08x\n" % zlib.crc32(text) + text
    assert decode_record(checked.ljust(1024, b"\0") + valid[1024:]) is None

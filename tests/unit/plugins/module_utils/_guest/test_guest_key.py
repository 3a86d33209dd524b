# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how the secret of a container is derived, and what is stored of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import (
    GuestKey,
    guest_field_of,
    parse_guest_key,
)

KEY = "0123456789abcdef"


def test_the_secret_is_the_hmac_of_the_id_and_only_its_hash_is_stored() -> None:
    key = GuestKey(KEY)
    secret = key.secret("id-1")
    padded = secret + "=" * (-len(secret) % 4)
    assert base64.urlsafe_b64decode(padded) == hmac.new(KEY.encode(), b"id-1", "sha256").digest()
    assert key.guest_field("id-1") == {"secret_sha256": hashlib.sha256(secret.encode()).hexdigest()}


def test_each_container_and_each_key_has_another_secret() -> None:
    secrets = {key.secret(name) for key in (GuestKey(KEY), GuestKey(f"{KEY}!")) for name in ("id-1", "id-2")}
    assert len(secrets) == 4


def test_the_text_of_a_key_is_in_no_representation_and_in_no_message() -> None:
    assert KEY not in f"{GuestKey(KEY)!r} {GuestKey(KEY)}"
    with pytest.raises(GantryError) as refused:
        parse_guest_key(KEY[:-1])
    assert KEY[:-1] not in str(refused.value)
    assert "has 15 characters. It must have at least 16" in refused.value.message


@pytest.mark.parametrize("text", [None, ""])
def test_a_task_may_give_no_key(text: str | None) -> None:
    assert parse_guest_key(text) is None


def test_a_key_of_sixteen_characters_is_accepted() -> None:
    assert parse_guest_key(KEY) == GuestKey(KEY)


@pytest.mark.parametrize(
    "field", [None, {}, [], "x", {"secret_sha256": 1}, {"secret_sha256": "0" * 63}, {"secret_sha256": "A" * 64}]
)
def test_a_damaged_field_permits_nothing(field: Any) -> None:
    assert guest_field_of({"guest_operations": field}) is None


def test_the_field_is_read_from_the_document() -> None:
    field = GuestKey(KEY).guest_field("id-1")
    assert guest_field_of({"guest_operations": {**field, "more": 1}}) == field
    assert guest_field_of({}) is None
    assert guest_field_of(None) is None

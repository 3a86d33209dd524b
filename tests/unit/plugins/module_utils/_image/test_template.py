# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that an image's keys are read back as written, and that damaged ones are not taken for an image."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._image import template as templates
from tests.support.builders.images import DIGEST_A, DISK_A, NGINX

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
CLAIM = templates.Claim("controller-1", NOW)
CONFIG = {"Cmd": ["nginx", "-g", "daemon off;"], "Env": ["A=ü"], "created": "2026-01-01T00:00:00Z"}


def decode(values: dict[str, str]) -> templates.ImageTemplate | None:
    where: dict[str, Any] = {"moid": "vm-1", "name": "n", "folder": "f", "path": "/p", "datastore": "d"}
    return templates.decode(values, **where, is_template=False, has_snapshot=False)


def written() -> dict[str, str]:
    return templates.extra_config(
        reference="nginx:1", references=(NGINX,), digest=DIGEST_A, disk=DISK_A, config=CONFIG, claim=CLAIM
    )


def test_an_import_reads_back_as_it_was_written() -> None:
    read = decode(written())
    assert read is not None
    assert not read.ready
    assert (read.digest, read.disk, read.references, read.config) == (DIGEST_A, DISK_A, (NGINX,), CONFIG)
    assert read.claim == CLAIM


def test_the_values_that_complete_an_import_make_it_an_image() -> None:
    read = decode({**written(), **templates.ready_values()})
    assert read is not None
    assert read.ready
    assert read.claim is None


def test_only_keys_of_the_contract_are_written() -> None:
    assert set(written()) <= set(templates.KEYS)
    assert set(templates.ready_values()) <= set(templates.KEYS)


def test_a_vm_of_another_kind_is_not_an_image() -> None:
    assert decode({}) is None
    assert decode({**written(), templates.KEY_KIND: "container"}) is None


@pytest.mark.parametrize("lost", [templates.KEY_DIGEST, templates.KEY_DISK, templates.KEY_STATE])
def test_an_image_that_lost_its_keys_is_not_ready(lost: str) -> None:
    values = {**written(), **templates.ready_values()}
    del values[lost]
    read = decode(values)
    assert read is not None
    assert not read.ready


@given(st.dictionaries(st.sampled_from(templates.KEYS), st.text()))
def test_arbitrary_values_in_a_vm_can_be_read(values: dict[str, str]) -> None:
    read = decode({**values, templates.KEY_KIND: templates.KIND})
    assert read is not None
    assert all(isinstance(reference, str) for reference in read.references)


def test_a_claim_without_a_time_zone_is_ignored() -> None:
    assert templates.Claim.decoded('{"controller":"c","started":"2026-01-02T03:04:05"}') is None
    zone = timezone(timedelta(hours=2))
    claim = templates.Claim("c", NOW.astimezone(zone))
    assert templates.Claim.decoded(claim.encoded()) == claim


def test_names_identify_the_image() -> None:
    plain, distinct = templates.template_names(DIGEST_A, DISK_A, "datastore-7")
    assert plain == "gantry-image-aaaaaaaaaaaa-11111111"
    assert distinct == "gantry-image-aaaaaaaaaaaa-11111111-datastore-7"

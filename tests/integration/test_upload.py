# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads of images to ESXi hosts, which have addresses and certificates of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.images import Store

Upload = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def upload(lab: dict[str, Any], cache: Path, store: Store, calls: Control) -> Upload:
    """Run container_image for the tiny image with these options."""
    image = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(cache)}
    return lambda **options: drive("container_image", {**lab["vcenter"], **image, **options})


@pytest.mark.parametrize(
    "choices",
    [
        {"host_thumbprint": "sha1"},
        {"host_thumbprint": "sha256"},
        {"host_thumbprint": "none", "api": "9.0.0.0"},
        {"upload_url": "vcenter"},
    ],
    ids=["sha1", "sha256", "certificate", "vcenter"],
)
def test_the_certificate_of_the_host_is_verified_by_its_thumbprint(
    upload: Upload, store: Store, calls: Control, choices: dict[str, str]
) -> None:
    calls.behave(**choices)
    result = upload()
    assert "failed" not in result, result
    assert len(store.templates()) == 1


def test_a_host_whose_certificate_cannot_be_verified_gets_nothing(upload: Upload, store: Store, calls: Control) -> None:
    calls.behave(host_thumbprint="none")
    before = store.vms()
    result = upload()
    assert result["failed"]
    assert "Cannot connect to the ESXi host 127.0.0.1:" in result["msg"]
    assert "its certificate is not trusted" in result["msg"]
    assert "HTTP POST" not in calls.methods()
    assert store.vms() == before
    assert "failed" not in upload(validate_certs=False)


def test_the_answer_of_the_host_may_take_longer_than_the_request_timeout(
    upload: Upload, store: Store, calls: Control
) -> None:
    calls.behave(upload_answer_seconds=4.5)
    result = upload(request_timeout=4)
    assert "failed" not in result, result
    assert len(store.templates()) == 1

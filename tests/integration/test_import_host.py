# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that container_image reports in check mode that no host can take the upload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.images import Store


@pytest.fixture
def resting_hosts(lab: dict[str, Any]) -> Iterator[list[str]]:
    """Put all hosts of the cluster into maintenance mode."""
    store = Store(lab["vcenter"])
    store.clear(lab["datastore"])
    hosts = [entry.name for entry in store.session.inventory(refresh=True).all("HostSystem")]
    for host in hosts:
        done = drive("host_maintenance", {**lab["vcenter"], "host": host, "precheck": "skip"})
        assert "failed" not in done, done
    yield hosts
    for host in hosts:
        drive("host_maintenance", {**lab["vcenter"], "host": host, "state": "absent"})
    store.session.close()


@pytest.mark.parametrize("check", [True, False])
def test_an_import_that_no_host_can_take_is_refused_before_anything_changes(
    lab: dict[str, Any], resting_hosts: list[str], calls: Control, tmp_path: Path, check: bool
) -> None:
    image = {"name": lab["images"]["tiny"], "registry_tls_verify": False, "cache_path": str(tmp_path)}
    result = drive("container_image", {**lab["vcenter"], **image}, check=check)
    assert result["failed"]
    assert "can take the upload of image" in result["msg"]
    for host in resting_hosts:
        assert f"host {host} is in maintenance mode" in result["msg"]
    assert calls.mutating() == []
    assert not list(tmp_path.rglob("*.vmdk"))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what the metadata of a disk say of a volume."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.decode import decode_volume
from ansible_collections.gantry.vsphere.plugins.module_utils._volume.result import query_result

STORE = Entry("shared0", "/DC0/datastore/shared0", "Datastore", "datastore-1", None, None, "datacenter-1", {})


@pytest.mark.parametrize(
    ("record", "users", "shown"),
    [
        ("2026-03-04T22:15:00+00:00", (), "2026-03-04T22:15:00+00:00"),
        ("2026-03-04T22:15:00+00:00", ("web",), None),
        (None, (), None),
        ("", (), None),
        ("last week", (), None),
        ("2026-03-04T22:15:00", (), None),
    ],
)
def test_a_volume_shows_when_it_was_detached_only_if_that_is_known(
    record: str | None, users: tuple[str, ...], shown: str | None
) -> None:
    pairs = {"gantry.volume": "data", **({} if record is None else {"gantry.detached": record})}
    disk = SimpleNamespace(
        id=SimpleNamespace(id="data-id"),
        metadata=[SimpleNamespace(key=key, value=value) for key, value in pairs.items()],
        capacityInMB=64,
        usedCapacityInMB=-1,
        diskPath="[shared0] fcd/data.vmdk",
        createTime=None,
        snapshotInfo=[],
    )
    volume = decode_volume(disk, STORE, users)
    assert volume is not None
    assert query_result([volume])["volumes"][0]["detached"] == shown

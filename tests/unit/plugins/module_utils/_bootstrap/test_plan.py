# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test plans for the bootstrap ISO, by examples and properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.changes import RemoveFile, UploadIso
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import Iso
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    LocalFile,
    ObservedBootstrap,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.plan import plan_bootstrap

ISO = Iso("src 'b.iso'", "0.1.0", 1000, "0123456789ab" + "0" * 52)
OLD = "gantry-bootstrap-0.0.9-aaaaaaaaaaaa.iso"
PART = f"{ISO.name}.part-01234567"


def request(*, present: bool = True, iso: bool = True, version: str | None = None) -> BootstrapRequest:
    return BootstrapRequest(present, LocalFile(Path("b.iso")) if iso else None, None, version, None, None)


def observed(stored: Mapping[str, int] | None = None, **fields: Any) -> ObservedBootstrap:
    return ObservedBootstrap("datacenter-1", "datastore-1", "shared0", stored=stored or {}, **{"iso": ISO, **fields})


def test_an_existing_iso_needs_no_change() -> None:
    assert not plan_bootstrap(request(), observed({ISO.name: ISO.size})).changed


def test_a_missing_iso_is_uploaded_to_the_contract_path() -> None:
    (change,) = plan_bootstrap(request(), observed({OLD: 5})).changes
    assert isinstance(change, UploadIso)
    assert change.path == "[shared0] gantry/bootstrap/gantry-bootstrap-0.1.0-0123456789ab.iso"


def test_a_short_iso_is_replaced_and_the_diff_says_so() -> None:
    plan = plan_bootstrap(request(), observed({ISO.name: 10}))
    assert plan.actions() == [f"replace [shared0] gantry/bootstrap/{ISO.name}, which is damaged"]
    sizes = {side: next(iter(files["files"].values()))["size"] for side, files in plan.diff().items()}
    assert sizes == {"before": 10, "after": 1000}


def test_the_remains_of_an_upload_are_removed() -> None:
    plan = plan_bootstrap(request(), observed({ISO.name: ISO.size}, abandoned=frozenset({PART})))
    assert [type(change) for change in plan.changes] == [RemoveFile]


def test_the_wrong_version_is_reported() -> None:
    with pytest.raises(GantryError, match=r"version 0\.1\.0, not 0\.2\.0"):
        plan_bootstrap(request(version="0.2.0"), observed())


def test_absent_by_file_and_by_version() -> None:
    stored = {ISO.name: ISO.size, OLD: 5}
    (change,) = plan_bootstrap(request(present=False), observed(stored)).changes
    assert change.name == ISO.name
    (change,) = plan_bootstrap(request(present=False, iso=False, version="0.0.9"), observed(stored, iso=None)).changes
    assert change.name == OLD
    assert not plan_bootstrap(request(present=False, iso=False, version="7"), observed(stored, iso=None)).changed


def test_an_iso_in_a_drive_is_not_removed_and_its_users_are_reported() -> None:
    state = observed({ISO.name: ISO.size}, users={ISO.name: ("/DC0/vm/web",)})
    with pytest.raises(GantryError, match="in the CD drive of a VM: /DC0/vm/web") as caught:
        plan_bootstrap(request(present=False), state)
    assert caught.value.details["in_use_by"] == ["/DC0/vm/web"]


@given(
    present=st.booleans(),
    by_version=st.booleans(),
    stored=st.dictionaries(st.sampled_from([ISO.name, OLD]), st.sampled_from([0, 10, ISO.size])),
    abandoned=st.frozensets(st.sampled_from([PART, f"{OLD}.part-1"])),
)
def test_a_plan_leads_to_a_state_that_needs_no_plan(
    present: bool, by_version: bool, stored: dict[str, int], abandoned: frozenset[str]
) -> None:
    by_version = by_version and not present
    wanted = request(present=present, iso=not by_version, version="0.0.9" if by_version else None)
    before = observed(stored, abandoned=abandoned)
    before = replace(before, iso=None) if by_version else before
    after = plan_bootstrap(wanted, before).project(before)
    assert plan_bootstrap(wanted, after).actions() == []
    assert (after.stored.get(ISO.name) == ISO.size) is present or by_version

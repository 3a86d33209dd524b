# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which files are copied, and why a copy is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.model import (
    DesiredCopy,
    FileFacts,
    Listing,
    LocalFiles,
    ObservedCopy,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container_copy.plan import plan_copy
from ansible_collections.gantry.vsphere.plugins.module_utils._container_exec.model import ObservedExec, ReachedGuest

INTO = DesiredCopy(
    name="web",
    container_path="/srv",
    path="/here",
    content=None,
    dest=None,
    owner="",
    mode=None,
    follow=False,
    local_follow=True,
    force=None,
    max_bytes=1 << 20,
    timeout=60,
    guest_key=None,
    datacenter=None,
    folder=None,
)
OUT = replace(INTO, path=None, dest="/here")
TOP = FileFacts("", "directory", 0o755, 33, 33)
FILE = FileFacts("a", "file", 0o644, 33, 33, 5, "0" * 64)
LINK = FileFacts("l", "symlink", 0o777, 33, 33, link="a")
MACHINE = Machine(moid="vm-7", name="web", path="/DC0/vm/web", kind="container", power=ON)


def observed(there: tuple[FileFacts, ...], here: tuple[FileFacts, ...], *, may_chown: bool = True) -> ObservedCopy:
    return ObservedCopy(
        ObservedExec(machines=(MACHINE,)),
        ReachedGuest(MACHINE, "secret"),
        Listing("/srv", 33, 33, there),
        LocalFiles("/here", here, may_chown=may_chown),
    )


def paths(desired: DesiredCopy, state: ObservedCopy) -> list[str]:
    changes = plan_copy(desired, state).changes
    return [file.new.path for change in changes for file in change.files]


@pytest.mark.parametrize(
    "difference",
    [{"sha256": "1" * 64}, {"mode": 0o600}, {"uid": 0}, {"gid": 0}, {"kind": "symlink", "link": "x", "sha256": None}],
)
def test_a_file_that_differs_is_copied(difference: dict[str, Any]) -> None:
    state = observed((TOP, replace(FILE, **difference), LINK), (TOP, FILE, LINK))
    assert paths(INTO, state) == ["a"]
    assert paths(OUT, state) == ["a"]


def test_attributes_that_do_not_count_are_left_alone() -> None:
    # Directories that exist keep theirs, links have no mode, and an owner counts here only if root copies.
    there = (replace(TOP, mode=0o700, uid=5), replace(FILE, uid=7), replace(LINK, mode=0o755))
    assert paths(OUT, observed(there, (TOP, FILE, LINK), may_chown=False)) == []
    assert paths(INTO, observed(there, (TOP, FILE, LINK))) == ["a"]
    # The owner of files on this machine is not that of the container.
    assert paths(INTO, observed((TOP, FILE), (TOP, replace(FILE, uid=1000, gid=1000)))) == []


def test_the_mode_is_that_of_files_only() -> None:
    (change,) = plan_copy(replace(INTO, mode=0o600), observed((), (TOP, FILE))).changes
    assert [(file.new.path, file.new.mode) for file in change.files] == [("", 0o755), ("a", 0o600)]


def test_setuid_is_not_copied_out() -> None:
    (change,) = plan_copy(OUT, observed((replace(FILE, path="", mode=0o6755),), ())).changes
    assert change.files[0].new.mode == 0o755


def test_force() -> None:
    same = observed((TOP, FILE), (TOP, FILE))
    assert paths(replace(INTO, force=True), same) == ["a"]
    different = observed((TOP, FILE), (TOP, replace(FILE, mode=0o600)))
    assert paths(replace(INTO, force=False), different) == []
    assert paths(replace(INTO, force=False), observed((), (TOP, FILE))) == ["", "a"]


@pytest.mark.parametrize(
    ("desired", "there", "here", "message"),
    [
        (INTO, (TOP,), (replace(FILE, path=""),), "^/srv in container web is a directory, and a file is to be copied"),
        (INTO, (TOP, replace(TOP, path="a")), (TOP, FILE), "^/srv in container web: a is a directory"),
        (OUT, (TOP,), (replace(FILE, path=""),), "^/here is not a directory, and a directory is to be copied there"),
        (OUT, (), (), "^There is no /srv in container web"),
        (OUT, (replace(FILE, path="", kind="other", sha256=None),), (), "is a device, a socket or a FIFO"),
        (INTO, (), (TOP, replace(FILE, kind="other", sha256=None)), "^/here/a is a device"),
        (replace(INTO, max_bytes=4), (), (TOP, FILE), "have 5 bytes, more than the 4 of max_size"),
        (replace(OUT, max_bytes=4), (TOP, FILE), (), "have 5 bytes, more than the 4 of max_size"),
    ],
)
def test_what_cannot_be_copied_is_refused(
    desired: DesiredCopy, there: tuple[FileFacts, ...], here: tuple[FileFacts, ...], message: str
) -> None:
    with pytest.raises(GantryError, match=message):
        plan_copy(desired, observed(there, here))


_FILES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.sampled_from([0o600, 0o644]), st.sampled_from(["0" * 64, "1" * 64]))
).map(lambda found: (TOP, *(FileFacts(path, "file", mode, 33, 33, 1, sha) for path, (mode, sha) in found.items())))


@given(there=_FILES, here=_FILES)
def test_a_copy_that_was_made_is_not_made_again(there: tuple[FileFacts, ...], here: tuple[FileFacts, ...]) -> None:
    for desired in (INTO, OUT):
        state = observed(there, here)
        assert not plan_copy(desired, plan_copy(desired, state).project(state)).changed

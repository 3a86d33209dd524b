# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test plans for images, by examples and properties."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CleanIncomplete,
    CopyImage,
    CreateFolder,
    DestroyImage,
    ImportImage,
    MarkTemplate,
    MoveImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import (
    Datastore,
    ImageRequest,
    ObservedImages,
    Resolved,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import find_template, plan_image
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import IMPORTING, READY
from tests.support.builders.images import (
    DIGEST_A,
    DIGEST_B,
    DISK_A,
    DISK_B,
    NGINX,
    observed,
    place,
    request,
    template,
)

OTHER = "registry.example/other:2"
SHARED1 = Datastore("datastore-2", "shared1", 1 << 40)


def test_an_existing_image_needs_no_change() -> None:
    assert not plan_image(request(), observed(template())).changed


def test_a_missing_image_is_imported_under_the_contract_name() -> None:
    (change,) = plan_image(request(), observed()).changes
    assert isinstance(change, ImportImage)
    assert change.name == "gantry-image-aaaaaaaaaaaa-11111111"
    assert change.references == (NGINX,)
    assert change.datastore == "shared0"


def test_an_image_on_another_datastore_is_copied_inside_vcenter() -> None:
    there = observed(
        template(size_bytes=5), place=place(datastore=SHARED1), wanted_datastore=SHARED1, clonable=frozenset({"vm-1"})
    )
    plan = plan_image(request(datastore="shared1"), there)
    (change,) = plan.changes
    assert isinstance(change, CopyImage)
    assert (change.source, change.datastore) == ("vm-1", "shared1")
    assert change.name == "gantry-image-aaaaaaaaaaaa-11111111-datastore-2"
    after = plan.project(there)
    assert not plan_image(request(datastore="shared1"), after).changed
    # Without a host that can clone it, it is uploaded again.
    (change,) = plan_image(request(datastore="shared1"), replace(there, clonable=frozenset())).changes
    assert isinstance(change, ImportImage)


def test_a_copy_that_does_not_fit_is_refused_before_it_begins() -> None:
    full = replace(SHARED1, free_bytes=(1 << 20) - 1)
    there = observed(
        template(size_bytes=1 << 20),
        place=place(datastore=full),
        wanted_datastore=full,
        clonable=frozenset({"vm-1"}),
    )
    with pytest.raises(GantryError, match="takes 1 MiB and datastore shared1 has 1 MiB left"):
        plan_image(request(datastore="shared1"), there)


def test_a_missing_folder_is_created_first() -> None:
    plan = plan_image(request(), observed(place=place(folder=None)))
    assert [type(change) for change in plan.changes] == [CreateFolder, ImportImage]


def test_the_same_image_by_another_reference_is_only_tagged() -> None:
    (change,) = plan_image(request(name=OTHER), observed(template())).changes
    assert isinstance(change, TagImage)
    assert set(change.new) == {NGINX, OTHER}


def test_a_moved_reference_is_removed_from_its_old_image() -> None:
    plan = plan_image(request(), observed(template(), resolved=Resolved(DIGEST_B, DISK_B)))
    imported, untagged = plan.changes
    assert isinstance(imported, ImportImage)
    assert imported.digest == DIGEST_B
    assert isinstance(untagged, TagImage)
    assert (untagged.old, untagged.new) == ((NGINX,), ())


def test_an_abandoned_import_is_removed_before_the_new_one() -> None:
    dead = template("vm-2", name="gantry-image-aaaaaaaaaaaa-11111111.import-1", state=IMPORTING, is_template=False)
    plan = plan_image(request(), observed(dead, abandoned=frozenset({"vm-2"})))
    assert [type(change) for change in plan.changes] == [CleanIncomplete, ImportImage]


def test_a_running_import_is_not_touched() -> None:
    alive = template("vm-2", state=IMPORTING, is_template=False)
    assert [type(change) for change in plan_image(request(), observed(alive)).changes] == [ImportImage]


def test_an_abandoned_import_of_another_image_is_ignored() -> None:
    dead = template("vm-2", state=IMPORTING, disk=DISK_B, digest=DIGEST_B, references=(OTHER,))
    plan = plan_image(request(), observed(template(), dead, abandoned=frozenset({"vm-2"})))
    assert not plan.changed


def test_a_finished_image_is_marked_as_a_template() -> None:
    (change,) = plan_image(request(), observed(template(is_template=False))).changes
    assert isinstance(change, MarkTemplate)


def test_a_requested_folder_is_used() -> None:
    elsewhere = template(folder="group-v9", path="/DC0/vm/old/x")
    assert not plan_image(request(), observed(elsewhere)).changed
    (change,) = plan_image(request(folder="gantry-images"), observed(elsewhere)).changes
    assert isinstance(change, MoveImage)
    assert (change.old, change.new) == ("/DC0/vm/old", "/DC0/vm/gantry-images")


def test_a_second_datastore_gets_its_own_template_with_its_own_name() -> None:
    there = place(datastore=SHARED1)
    plan = plan_image(request(datastore="shared1"), observed(template(), place=there, wanted_datastore=SHARED1))
    (change,) = plan.changes
    assert isinstance(change, ImportImage)
    assert change.name == "gantry-image-aaaaaaaaaaaa-11111111-datastore-2"


def test_a_template_without_its_snapshot_is_reported() -> None:
    with pytest.raises(GantryError, match="lost its snapshot gantry-base"):
        plan_image(request(), observed(template(has_snapshot=False)))


def test_never_pulling_a_missing_image_is_an_error() -> None:
    with pytest.raises(GantryError, match="'nginx:1' is not in datacenter DC0"):
        plan_image(request(pull="never"), observed(resolved=None))


def test_a_name_of_an_unmanaged_vm_is_an_error() -> None:
    taken = frozenset({"gantry-image-aaaaaaaaaaaa-11111111"})
    with pytest.raises(GantryError, match="holds no image of ours"):
        plan_image(request(), observed(foreign_names=taken))


def test_an_ambiguous_place_is_an_error_only_if_it_is_needed() -> None:
    unclear = place(pool=None, problem="cluster is not given and there are 2: A, B. Say which.")
    assert not plan_image(request(), observed(template(), place=unclear)).changed
    with pytest.raises(GantryError, match="there are 2: A, B"):
        plan_image(request(), observed(place=unclear))


def test_absent_removes_a_reference_and_with_the_last_one_the_image() -> None:
    (change,) = plan_image(request(state="absent"), observed(template(), resolved=None)).changes
    assert isinstance(change, DestroyImage)
    shared = template(references=(NGINX, OTHER))
    (change,) = plan_image(request(state="absent"), observed(shared, resolved=None)).changes
    assert isinstance(change, TagImage)
    assert change.new == (OTHER,)


def test_absent_by_digest_removes_the_image_with_all_references() -> None:
    shared = template(references=(NGINX, OTHER))
    wanted = request(name=f"nginx@{DIGEST_A}", state="absent")
    (change,) = plan_image(wanted, observed(shared, resolved=None)).changes
    assert isinstance(change, DestroyImage)


def test_absent_of_an_unknown_image_needs_no_change() -> None:
    assert not plan_image(request(name="nginx:2", state="absent"), observed(template(), resolved=None)).changed


def test_an_image_in_use_is_not_removed_and_its_users_are_reported() -> None:
    state = observed(template(), resolved=None, users={"vm-1": ("/DC0/vm/web", "/DC0/vm/web2")})
    with pytest.raises(GantryError, match="base of 2 VMs: /DC0/vm/web, /DC0/vm/web2") as caught:
        plan_image(request(state="absent"), state)
    assert caught.value.details["in_use_by"] == ["/DC0/vm/web", "/DC0/vm/web2"]


REFERENCES = (NGINX, OTHER, "docker.io/library/redis:7")
DATASTORES = (Datastore("datastore-1", "shared0", 1 << 40), SHARED1)


@st.composite
def states(draw: st.DrawFn) -> tuple[ImageRequest, ObservedImages]:
    """Draw any request and any mixture of templates, including ones that no run leaves."""
    kinds = st.sampled_from([(DIGEST_A, DISK_A), (DIGEST_B, DISK_B)])
    templates = []
    for number in range(draw(st.integers(0, 4))):
        digest, disk = draw(kinds)
        state = draw(st.sampled_from([READY, IMPORTING]))
        templates.append(
            template(
                f"vm-{number}",
                name=f"gantry-image-{number}",
                path=f"/DC0/vm/x/gantry-image-{number}",
                folder=draw(st.sampled_from(["group-v1", "group-v9"])),
                digest=digest,
                disk=disk,
                datastore=draw(st.sampled_from(DATASTORES)).name,
                state=state,
                is_template=state == READY and draw(st.booleans()),
                references=tuple(sorted(draw(st.sets(st.sampled_from(REFERENCES))))),
            )
        )
    present = draw(st.booleans())
    datastore = draw(st.sampled_from([None, *DATASTORES]))
    wanted = request(
        name=draw(st.sampled_from(REFERENCES)),
        state="present" if present else "absent",
        folder=draw(st.sampled_from([None, "gantry-images"])),
        datastore=None if datastore is None else datastore.name,
    )
    incomplete = [one.moid for one in templates if one.state == IMPORTING]
    dead = draw(st.sets(st.sampled_from(incomplete))) if incomplete else set()
    return wanted, ObservedImages(
        place=place(
            folder=draw(st.sampled_from([None, "group-v1"])), datastore=datastore or draw(st.sampled_from(DATASTORES))
        ),
        wanted_datastore=datastore,
        templates=tuple(templates),
        abandoned=frozenset(dead),
        resolved=Resolved(*draw(kinds)) if present else None,
    )


@given(states())
def test_a_plan_leads_to_a_state_that_needs_no_plan(state: tuple[ImageRequest, ObservedImages]) -> None:
    wanted, before = state
    after = plan_image(wanted, before).project(before)
    assert plan_image(wanted, after).actions() == []


@given(states())
def test_a_plan_leads_to_the_requested_state(state: tuple[ImageRequest, ObservedImages]) -> None:
    wanted, before = state
    after = plan_image(wanted, before).project(before)
    bearing = {one.disk for one in after.templates if one.ready and wanted.recorded in one.references}
    if not wanted.present:
        there = [one for one in after.templates if wanted.datastore in (None, one.datastore) and one.ready]
        assert all(wanted.recorded not in one.references for one in there)
        return
    assert before.resolved is not None
    assert bearing == {before.resolved.disk}
    found = find_template(wanted, after)
    assert found is not None
    assert found.is_template
    assert wanted.datastore in (None, found.datastore)


@given(states())
def test_no_used_image_or_running_import_is_ever_destroyed(state: tuple[ImageRequest, ObservedImages]) -> None:
    wanted, before = state
    used = replace(before, users={one.moid: ("/DC0/vm/web",) for one in before.templates})
    try:
        plan = plan_image(wanted, used)
    except GantryError:
        return
    for change in plan.changes:
        assert not isinstance(change, DestroyImage)
        if isinstance(change, CleanIncomplete):
            assert change.moid in before.abandoned


@given(states())
def test_other_references_are_never_lost(state: tuple[ImageRequest, ObservedImages]) -> None:
    wanted, before = state
    after = plan_image(wanted, before).project(before)
    for one in before.templates:
        if not one.ready:
            continue
        others = set(one.references) - {wanted.recorded}
        kept = next((other for other in after.templates if other.moid == one.moid), None)
        assert not others or (kept is not None and others <= set(kept.references))

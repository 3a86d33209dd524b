# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a plan for images is divided into subjects, and in which order those begin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.apply_batch import ImageSubject, image_subjects
from ansible_collections.gantry.vsphere.plugins.module_utils._image.changes import (
    CreateFolder,
    ImageChange,
    ImportImage,
    TagImage,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ObservedImages, Resolved
from ansible_collections.gantry.vsphere.plugins.module_utils._image.plan import plan_image
from tests.support.builders.images import (
    DIGEST_B,
    DISK_A,
    DISK_B,
    NGINX,
    observed,
    place,
    request,
    template,
)


def subjects_for(found: ObservedImages, **options: Any) -> dict[str, ImageSubject]:
    bench: Any = SimpleNamespace(place=found.place)
    changes: tuple[ImageChange, ...] = plan_image(request(**options), found).changes
    return {subject.id: subject for subject in image_subjects(bench, changes)}


def test_a_reference_is_taken_from_the_old_image_only_after_the_new_one_has_it() -> None:
    subjects = subjects_for(observed(template(), resolved=Resolved(DIGEST_B, DISK_B)))
    assert [type(change) for change in subjects[DISK_B].changes] == [ImportImage]
    assert [type(change) for change in subjects[DISK_A].changes] == [TagImage]
    assert subjects[DISK_A].after == {DISK_B}
    assert not subjects[DISK_B].after


def test_a_missing_folder_is_created_by_the_subject_that_needs_it() -> None:
    (subject,) = subjects_for(observed(place=place(folder=None))).values()
    assert [type(change) for change in subject.changes] == [CreateFolder, ImportImage]
    assert subject.folder is None


def test_references_are_removed_from_several_images_independently() -> None:
    others = (NGINX, "registry.example/other:2")
    both = [
        template(references=others),
        template("vm-2", name="gantry-image-b", disk=DISK_B, digest=DIGEST_B, references=others),
    ]
    subjects = subjects_for(observed(*both, resolved=None), state="absent")
    assert {key: subject.after for key, subject in subjects.items()} == {DISK_A: frozenset(), DISK_B: frozenset()}

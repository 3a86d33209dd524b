# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images a task removes, and which it keeps and why. Pure data and rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import IMPORTING, ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import parse_reference

# Why an image is kept, in the order in which the reasons are tested.
KEPT_IMPORTING = "importing"
KEPT_NOT_TEMPLATE = "not_a_template"
KEPT_IN_USE = "in_use"
KEPT_UNREADABLE_VMS = "unreadable_vms"
KEPT_REFERENCED = "referenced"
KEPT_NAME = "name"
KEPT_LABEL = "label"
KEPT_AGE = "age"


@dataclass(frozen=True)
class PruneRequest:
    """The images to remove. A filter that is None or empty selects all of them.

    ``names`` are patterns of which one matches a reference of the image, or with ``every_reference`` each of them.
    ``keep`` are references of images that stay.
    """

    folder: str
    datacenter: str | None = None
    datastore: str | None = None
    dangling: bool = True
    older_than: timedelta | None = None
    names: tuple[str, ...] = ()
    every_reference: bool = False
    keep: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    cache: Path | None = None


@dataclass(frozen=True)
class Candidate:
    """One image in the folder, and what prevents its removal."""

    template: ImageTemplate
    # The paths of the VMs that are linked clones of it, or that record that they run it.
    users: tuple[str, ...] = ()
    # The number of VMs on its datastore whose disks this user cannot read. Each may be a linked clone.
    unreadable: int = 0
    # What an interrupted import left.
    abandoned: bool = False


@dataclass(frozen=True)
class ObservedPrune:
    """The images in the folder. ``now`` is vCenter's time, read only if the age of images matters."""

    candidates: tuple[Candidate, ...] = ()
    now: datetime | None = None
    removed: tuple[Candidate, ...] = ()


def kept_because(desired: PruneRequest, candidate: Candidate, now: datetime | None) -> str | None:
    """Return why an image is kept; None if it is to be removed."""
    if candidate.abandoned:
        return None
    return _obstacle(candidate) or _not_selected(desired, candidate.template, now)


def _obstacle(candidate: Candidate) -> str | None:
    template = candidate.template
    if template.state == IMPORTING:
        return KEPT_IMPORTING
    # A VM is not a template while another run changes its references.
    if not template.is_template or not template.ready:
        return KEPT_NOT_TEMPLATE
    if candidate.users:
        return KEPT_IN_USE
    return KEPT_UNREADABLE_VMS if candidate.unreadable else None


def _not_selected(desired: PruneRequest, template: ImageTemplate, now: datetime | None) -> str | None:
    if (desired.dangling and template.references) or not desired.keep.isdisjoint(template.references):
        return KEPT_REFERENCED
    if desired.names and not _is_named(desired, template):
        return KEPT_NAME
    own = template.config.get("Labels")
    labels = own if isinstance(own, Mapping) else {}
    if any(labels.get(key) != value for key, value in desired.labels.items()):
        return KEPT_LABEL
    return KEPT_AGE if _is_too_new(desired, template, now) else None


def _is_named(desired: PruneRequest, template: ImageTemplate) -> bool:
    """Return whether patterns match its references, or that of the first import if there is no other."""
    references = template.references or (_full_form(template.reference),)
    matched = [any(fnmatchcase(reference, pattern) for pattern in desired.names) for reference in references]
    return all(matched) if desired.every_reference else any(matched)


def _full_form(reference: str) -> str:
    try:
        return str(parse_reference(reference))
    except GantryError:
        return reference  # another client has written it: it matches as it is


def _is_too_new(desired: PruneRequest, template: ImageTemplate, now: datetime | None) -> bool:
    if desired.older_than is None:
        return False
    return template.imported is None or now is None or now - template.imported < desired.older_than

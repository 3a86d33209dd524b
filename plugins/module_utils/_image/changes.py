# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes that create, move and remove images. Pure; the files apply*.py make them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._image.model import ObservedImages
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import READY, ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import RehomingChange


@dataclass(frozen=True)
class CreateFolder(Creation):
    """Create the folder for templates."""

    path: str
    parent: str

    def describe(self) -> str:
        return f"create folder {self.path}"

    def after(self) -> Mapping[str, Any]:
        return nested("folders", self.path, value="present")

    def project(self, observed: ObservedImages) -> ObservedImages:
        return replace(observed, place=replace(observed.place, folder=""))


@dataclass(frozen=True)
class CleanIncomplete(Removal):
    """Remove what an interrupted import left."""

    moid: str
    name: str
    disk: str

    def describe(self) -> str:
        return f"remove interrupted import {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested("images", self.name, value={"state": "importing"})

    def project(self, observed: ObservedImages) -> ObservedImages:
        return _without(observed, self.moid)


@dataclass(frozen=True)
class NewImage(Creation, ABC):
    """Base of the ways to make a new template. ``datastore``, ``folder``: where it is going to be."""

    name: str
    reference: str
    references: tuple[str, ...]
    digest: str
    disk: str
    datastore: str
    datastore_moid: str
    folder: str

    @abstractmethod
    def describe(self) -> str:
        """Return the change as an action."""

    def after(self) -> Mapping[str, Any]:
        return nested(
            "images",
            self.name,
            value={
                "datastore": self.datastore,
                "digest": self.digest,
                "folder": self.folder,
                "references": list(self.references),
            },
        )

    def project(self, observed: ObservedImages) -> ObservedImages:
        """Return the state after that; the MoID, which only vCenter assigns, stays empty."""
        template = ImageTemplate(
            moid="",
            name=self.name,
            folder=observed.place.folder or "",
            path=f"{self.folder}/{self.name}",
            datastore=self.datastore,
            is_template=True,
            has_snapshot=True,
            state=READY,
            reference=self.reference,
            references=self.references,
            digest=self.digest,
            disk=self.disk,
            config={} if observed.resolved is None else observed.resolved.config,
        )
        return replace(observed, templates=(*observed.templates, template))


@dataclass(frozen=True)
class ImportImage(NewImage):
    """Convert the image and upload it as a new template."""

    def describe(self) -> str:
        return f"import {self.reference} ({self.digest}) as {self.name} on {self.datastore}"


@dataclass(frozen=True)
class CopyImage(NewImage):
    """Copy the template from another datastore inside vCenter. ``source``: its MoID."""

    source: str
    source_path: str

    def describe(self) -> str:
        return f"copy {self.source_path} ({self.digest}) as {self.name} to {self.datastore}"


@dataclass(frozen=True)
class TagImage:
    """Change the references of a template."""

    moid: str
    name: str
    disk: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    def describe(self) -> str:
        added = [f"add reference {reference}" for reference in self.new if reference not in self.old]
        removed = [f"remove reference {reference}" for reference in self.old if reference not in self.new]
        return f"{', '.join(added + removed)} ({self.name})"

    def before(self) -> Mapping[str, Any]:
        return nested("images", self.name, "references", value=list(self.old))

    def after(self) -> Mapping[str, Any]:
        return nested("images", self.name, "references", value=list(self.new))

    def project(self, observed: ObservedImages) -> ObservedImages:
        return _with(observed, self.moid, references=self.new, is_template=True)


@dataclass(frozen=True)
class MarkTemplate:
    """Mark a finished image as a template: a run was interrupted before that, or an administrator changed it."""

    moid: str
    name: str
    disk: str

    def describe(self) -> str:
        return f"mark {self.name} as a template"

    def before(self) -> Mapping[str, Any]:
        return nested("images", self.name, "template", value=False)

    def after(self) -> Mapping[str, Any]:
        return nested("images", self.name, "template", value=True)

    def project(self, observed: ObservedImages) -> ObservedImages:
        return _with(observed, self.moid, is_template=True)


@dataclass(frozen=True)
class RehomeImage(RehomingChange):
    """Register a template on another host, because nothing can be cloned from it where it is."""

    disk: str

    @property
    def name(self) -> str:
        return self.rehoming.name

    def project(self, observed: ObservedImages) -> ObservedImages:
        moved = {"host": self.rehoming.host, "is_template": True, "gets_new_moid": self.rehoming.registers}
        return _with(observed, self.rehoming.moid, **moved)


@dataclass(frozen=True)
class MoveImage:
    """Move a template to the folder that the task gives."""

    moid: str
    name: str
    disk: str
    old: str
    new: str

    def describe(self) -> str:
        return f"move {self.name} to folder {self.new}"

    def before(self) -> Mapping[str, Any]:
        return nested("images", self.name, "folder", value=self.old)

    def after(self) -> Mapping[str, Any]:
        return nested("images", self.name, "folder", value=self.new)

    def project(self, observed: ObservedImages) -> ObservedImages:
        folder = observed.place.folder or ""
        return _with(observed, self.moid, folder=folder, path=f"{self.new}/{self.name}")


@dataclass(frozen=True)
class DestroyImage(Removal):
    """Remove a template and its disk."""

    moid: str
    name: str
    disk: str
    digest: str
    references: tuple[str, ...]

    def describe(self) -> str:
        return f"destroy {self.name} ({self.digest})"

    def before(self) -> Mapping[str, Any]:
        return nested("images", self.name, value={"digest": self.digest, "references": list(self.references)})

    def project(self, observed: ObservedImages) -> ObservedImages:
        return replace(_without(observed, self.moid), removed=(*observed.removed, self.name))


ImageChange: TypeAlias = (
    "CreateFolder | CleanIncomplete | ImportImage | CopyImage | TagImage | MarkTemplate | RehomeImage | MoveImage "
    "| DestroyImage"
)


def _with(observed: ObservedImages, moid: str, **values: Any) -> ObservedImages:
    """Return the state with one template changed."""
    templates = tuple(replace(one, **values) if one.moid == moid else one for one in observed.templates)
    return replace(observed, templates=templates)


def _without(observed: ObservedImages, moid: str) -> ObservedImages:
    """Return the state without one template."""
    return replace(
        observed,
        templates=tuple(template for template in observed.templates if template.moid != moid),
        abandoned=observed.abandoned - {moid},
        users={template: users for template, users in observed.users.items() if template != moid},
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests and the observed state: the images of one datacenter and the place for a new one. Pure data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._image.template import ImageTemplate
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.registry import ResolvedImage
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.transport import FileTransport
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.model import Rehoming
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.datastore_files import datastore_name

DEFAULT_FOLDER = "gantry-images"
_MIB = 1 << 20


@dataclass(frozen=True)
class ImageRequest:
    """The desired state of one image. A place that is None was not given."""

    reference: Reference
    as_written: str
    present: bool
    pull: str
    options: PullOptions
    cache: Path | None
    # Where the image is read from; None: the registry of the reference.
    source: Reference | FileTransport | None = None
    datacenter: str | None = None
    cluster: str | None = None
    resource_pool: str | None = None
    folder: str | None = None
    datastore: str | None = None
    # Names of VMs that tasks before this one remove.
    assume_removed: frozenset[str] = frozenset()

    @property
    def recorded(self) -> str:
        """The reference in the one form in which templates record it."""
        return str(self.reference)


@dataclass(frozen=True)
class ImageQuery:
    """The query of container_image_info."""

    datacenter: str | None
    reference: Reference | None

    @property
    def recorded(self) -> str | None:
        return None if self.reference is None else str(self.reference)


@dataclass(frozen=True)
class Datastore:
    moid: str
    name: str
    free_bytes: int


@dataclass(frozen=True)
class ImagePlace:
    """Where an image is imported. A place that is None is ambiguous, and ``problem`` is the message about it."""

    datacenter: str
    datacenter_name: str
    folder_path: str
    folder: str | None
    folder_parent: str
    pool: str | None
    datastore: Datastore | None
    problem: str | None = None
    # The MoID of the host to import through; None where vCenter chooses it.
    host: str | None = None
    # The pool for a template that is a VM while it is changed, by the MoID of the host that it is registered on.
    pools: Mapping[str, str] = field(default_factory=dict)
    # The ESXi releases of all hosts that may run VMs of the image.
    host_releases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """The image that the reference selects now, according to the registry or to a template."""

    digest: str
    disk: str
    # The answer of the registry, if it was asked: the image to convert, and its configuration.
    image: ResolvedImage | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedImages:
    place: ImagePlace
    # The MoID of the datastore that the task gives; None: any.
    wanted_datastore: Datastore | None = None
    templates: tuple[ImageTemplate, ...] = ()
    # MoIDs of abandoned imports.
    abandoned: frozenset[str] = frozenset()
    resolved: Resolved | None = None
    # Paths of the VMs that use a template's disk, by the template's MoID; read only if needed.
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Names of VMs in the import folder that are no images.
    foreign_names: frozenset[str] = frozenset()
    # The moves of templates that cannot be cloned or changed where they are registered, by the template's MoID.
    rehomings: Mapping[str, Rehoming] = field(default_factory=dict)
    # The MoIDs of the templates that vCenter can clone where they are registered.
    clonable: frozenset[str] = frozenset()
    # Names of the templates that the task has destroyed.
    removed: tuple[str, ...] = ()


def matching(
    templates: Iterable[ImageTemplate], reference: Reference, datastore: Datastore | None
) -> list[ImageTemplate]:
    """Return the finished images that vCenter records for a reference, in the order of their MoIDs."""
    recorded = str(reference)
    found = [
        template
        for template in templates
        if template.ready
        and (recorded in template.references or (reference.digest is not None and reference.digest == template.digest))
        and (datastore is None or datastore.name == template.datastore)
    ]
    return sorted(found, key=lambda template: template.moid)


def find_template(desired: ImageRequest, observed: ObservedImages) -> ImageTemplate | None:
    """Return the finished template of the image; of several, one with the reference, and always the same one."""
    disk = None if observed.resolved is None else observed.resolved.disk
    found = [
        template
        for template in observed.templates
        if template.ready
        and template.disk == disk
        and (observed.wanted_datastore is None or template.datastore == observed.wanted_datastore.name)
    ]
    return min(found, key=lambda template: (desired.recorded not in template.references, template.moid), default=None)


def required_templates(desired: ImageRequest, observed: ObservedImages) -> list[ImageTemplate]:
    """Return the templates that are to be cloned from, and those that lose a reference to this or another image."""
    if not desired.present:
        matches = matching(observed.templates, desired.reference, observed.wanted_datastore)
        return [template for template in matches if other_references(desired, template)]
    found = find_template(desired, observed)
    disk = None if observed.resolved is None else observed.resolved.disk
    losing = [
        template
        for template in observed.templates
        if template.ready and template.disk != disk and desired.recorded in template.references
    ]
    return losing if found is None else [found, *losing]


def find_copy_source(observed: ObservedImages, disk: str) -> ImageTemplate | None:
    """Return a template of the same disk to copy to another datastore, always the same one."""
    found = [one for one in observed.templates if one.disk == disk and one.moid in observed.clonable]
    return min(found, key=lambda template: template.moid, default=None)


def check_space(desired: ImageRequest, datastore: Datastore, needed_bytes: int) -> None:
    """Raise if the image does not fit on the datastore."""
    if datastore.free_bytes < needed_bytes:
        raise GantryError(
            f"Image {desired.as_written!r} takes {_mib(needed_bytes)} and datastore {datastore.name} has "
            f"{_mib(datastore.free_bytes)} left. Make room, or give another datastore.",
            details={"needed_bytes": needed_bytes, "free_bytes": datastore.free_bytes},
        )


def _mib(size: int) -> str:
    return f"{-(-size // _MIB)} MiB"


def other_references(desired: ImageRequest, template: ImageTemplate) -> tuple[str, ...]:
    """Return the references with which a template stays when the one of the task is removed.

    A digest selects the image itself, so all its references are removed; a tag is only removed from it.
    """
    if desired.reference.digest:
        return ()
    return tuple(reference for reference in template.references if reference != desired.recorded)


def refuse_in_use(desired: ImageRequest, template: ImageTemplate, users: tuple[str, ...]) -> None:
    """Raise if VMs are linked clones of the template."""
    if not users:
        return
    vms = "a VM" if len(users) == 1 else f"{len(users)} VMs"
    raise GantryError(
        f"Image {desired.as_written!r} ({template.path}) is the base of {vms}: {listed(users)}. Its disk is "
        "part of theirs; remove them first.",
        details={"in_use_by": list(users)},
    )


@dataclass(frozen=True)
class VmDisks:
    """The disks of one VM: all files that they consist of, with those of their parents."""

    path: str
    files: frozenset[str] = frozenset()
    capacity_bytes: int = 0
    # Whether vCenter tells the disks: not, for example, of a VM whose host is lost before it was read.
    readable: bool = True
    # What the VM records: whether it is an image itself, and the content id of the disk that it was cloned from.
    is_image: bool = False
    image_disk: str | None = None

    @property
    def datastores(self) -> frozenset[str]:
        return frozenset(name for file in self.files if (name := datastore_name(file)) is not None)


@dataclass(frozen=True)
class ObservedImageList:
    """The templates that a query selects, and the disks of the VMs in their datacenter by MoID."""

    templates: tuple[ImageTemplate, ...] = ()
    disks: Mapping[str, VmDisks] = field(default_factory=dict)


def users_of(template: ImageTemplate, disks: Mapping[str, VmDisks]) -> tuple[str, ...]:
    """Return the paths of the VMs that are linked clones of a template.

    Their disks tell, so that a clone that someone made by hand counts too. A disk on vVols, or one that the storage has
    cloned, shows no parent. There, what the VMs record of themselves tells: the image, on the template's datastore.
    """
    own = disks[template.moid].files if template.moid in disks else frozenset()
    images = frozenset(file for one in disks.values() if one.is_image for file in one.files)
    return tuple(
        sorted(
            one.path
            for moid, one in disks.items()
            if moid != template.moid and (one.files & own or _is_native_clone(one, template, images))
        )
    )


def recorders_of(template: ImageTemplate, disks: Mapping[str, VmDisks]) -> tuple[str, ...]:
    """Return the paths of the VMs that record that they run a template's image, on whatever datastore."""
    return tuple(
        sorted(
            one.path
            for one in disks.values()
            if not one.is_image and bool(template.disk) and one.image_disk == template.disk
        )
    )


def _is_native_clone(one: VmDisks, template: ImageTemplate, files_of_images: frozenset[str]) -> bool:
    """Return whether a VM records the template's image, and no visible parent says which template it is a clone of."""
    return (
        not one.is_image
        and bool(template.disk)
        and one.image_disk == template.disk
        and template.datastore in one.datastores
        and not one.files & files_of_images
    )

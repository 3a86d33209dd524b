# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state found in vCenter: the images of one datacenter and the place where a new one would go. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._image.registry import ResolvedImage
from ansible_collections.gantry.vsphere.plugins.module_utils._imagestore.template import ImageTemplate


@dataclass(frozen=True)
class Datastore:
    moid: str
    name: str
    free_bytes: int


@dataclass(frozen=True)
class Place:
    """Where an image is imported. What is None could not be told, and ``problem`` says why and what to do."""

    datacenter: str
    datacenter_name: str
    folder_path: str
    folder: str | None
    folder_parent: str
    pool: str | None
    datastore: Datastore | None
    problem: str | None = None


@dataclass(frozen=True)
class Resolved:
    """What the reference means now: asked of the registry, or remembered by a template."""

    digest: str
    disk: str
    # What the registry said, when it was asked: what an import converts, and the configuration it will have.
    image: ResolvedImage | None = None
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedImages:
    place: Place
    # The datastore that was asked for; None: any will do.
    wanted_datastore: Datastore | None = None
    templates: tuple[ImageTemplate, ...] = ()
    # MoIDs of imports that nobody is making any more.
    abandoned: frozenset[str] = frozenset()
    resolved: Resolved | None = None
    # Paths of the VMs that use a template's disk, by the template's MoID; looked for only where it matters.
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Names in the folder where an import would go that are taken by VMs which are no images.
    foreign_names: frozenset[str] = frozenset()

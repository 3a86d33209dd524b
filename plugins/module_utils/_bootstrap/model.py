# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired and observed state of the bootstrap ISOs on a datastore. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, Iso, version_of_name
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.pull_options import PullOptions
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.reference import Reference
from ansible_collections.gantry.vsphere.plugins.module_utils._oci.url import Download

RUNTIME_PACKAGE = "gantry-vsphere-runtime"


@dataclass(frozen=True)
class RuntimePackage:
    """The ISO of the Python package that is installed where the task runs."""

    def __str__(self) -> str:
        return f"The bootstrap ISO of the Python package {RUNTIME_PACKAGE}"


@dataclass(frozen=True)
class LocalFile:
    """An ISO on the machine where the task runs."""

    path: Path

    def __str__(self) -> str:
        return f"src {str(self.path)!r}"


@dataclass(frozen=True)
class Artifact:
    """An ISO in a registry."""

    reference: Reference
    options: PullOptions

    def __str__(self) -> str:
        return f"src 'oci://{self.reference}'"


Source: TypeAlias = RuntimePackage | LocalFile | Download | Artifact


@dataclass(frozen=True)
class BootstrapRequest:
    """The request of a task."""

    present: bool
    source: Source | None
    """The ISO; None only to remove a version."""
    checksum: str | None
    """The SHA-256 that the ISO must have."""
    version: str | None
    datacenter: str | None
    datastore: str | None
    assume_removed: frozenset[str] = frozenset()
    """Names of VMs that tasks before this one remove."""


@dataclass(frozen=True)
class ObservedBootstrap:
    """The ISO to upload, and the ISOs on the datastore."""

    datacenter: str
    datastore: str
    datastore_name: str
    iso: Iso | None = None
    stored: Mapping[str, int] = field(default_factory=dict)
    """The ISOs on the datastore: sizes by name."""
    abandoned: frozenset[str] = frozenset()
    """Interrupted uploads that do not belong to a running task."""
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The paths of the VMs with an ISO in their CD drive, by the ISO's name; read only for ISOs to be removed."""

    @property
    def folder(self) -> str:
        return f"[{self.datastore_name}] {FOLDER}"

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"


def selected_isos(desired: BootstrapRequest, observed: ObservedBootstrap) -> list[str]:
    """Return the names of the stored ISOs that src or version selects."""
    if observed.iso is not None:
        return [observed.iso.name] if observed.iso.name in observed.stored else []
    return sorted(name for name in observed.stored if version_of_name(name) == desired.version)


def refuse_in_use(path: str, users: tuple[str, ...]) -> None:
    """Raise GantryError if VMs have the ISO in their CD drive: without it they cannot start again."""
    if not users:
        return
    vms = "a VM" if len(users) == 1 else f"{len(users)} VMs"
    raise GantryError(
        f"{path} is in the CD drive of {vms}: {listed(users)}. Give these another bootstrap or remove them first.",
        details={"in_use_by": list(users)},
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired and observed state of the bootstrap ISOs on a datastore. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, Iso, version_of_name


@dataclass(frozen=True)
class BootstrapRequest:
    """The request of a task."""

    present: bool
    src: Path | None
    version: str | None
    datacenter: str | None
    datastore: str | None


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

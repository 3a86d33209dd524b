# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the bootstrap ISO and what was found. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.iso import FOLDER, Iso, version_of_name


@dataclass(frozen=True)
class BootstrapRequest:
    present: bool
    src: Path | None
    version: str | None
    datacenter: str | None
    datastore: str | None


@dataclass(frozen=True)
class ObservedBootstrap:
    datacenter: str
    datastore: str
    datastore_name: str
    iso: Iso | None = None
    # The ISOs in the datastore: sizes by name.
    stored: Mapping[str, int] = field(default_factory=dict)
    # Unfinished uploads that nobody goes on with.
    abandoned: frozenset[str] = frozenset()
    # The paths of the VMs that have an ISO in their drive, by the ISO's name; looked for only where it matters.
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        return f"[{self.datastore_name}] {FOLDER}"

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"


def meant(desired: BootstrapRequest, observed: ObservedBootstrap) -> list[str]:
    """The names of the stored ISOs that are to be absent."""
    if observed.iso is not None:
        return [observed.iso.name] if observed.iso.name in observed.stored else []
    return sorted(name for name in observed.stored if version_of_name(name) == desired.version)

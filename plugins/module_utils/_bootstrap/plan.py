# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes between the requested and the observed bootstrap ISOs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.changes import (
    BootstrapChange,
    RemoveFile,
    UploadIso,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    ObservedBootstrap,
    refuse_in_use,
    selected_isos,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.paths import without_removed


def plan_bootstrap(desired: BootstrapRequest, observed: ObservedBootstrap) -> Plan[BootstrapChange]:
    """Plan the upload or the removal, and the removal of interrupted uploads."""
    changes = _present(desired, observed) if desired.present else _absent(desired, observed)
    return Plan(tuple(changes))


def _present(desired: BootstrapRequest, observed: ObservedBootstrap) -> Iterator[BootstrapChange]:
    iso = observed.iso
    if iso is None:
        raise GantryError("The plan for state present has no ISO to upload.")
    if desired.version not in (None, iso.version):
        raise GantryError(
            f"{iso.source} is version {iso.version}, not {desired.version}. Give the ISO of that version, or "
            "leave version out."
        )
    yield from _remove_abandoned(observed)
    found = observed.stored.get(iso.name)
    if found != iso.size:
        yield UploadIso(name=iso.name, path=observed.path(iso.name), size=iso.size, found_size=found)


def _absent(desired: BootstrapRequest, observed: ObservedBootstrap) -> Iterator[BootstrapChange]:
    yield from _remove_abandoned(observed)
    for name in selected_isos(desired, observed):
        users = without_removed(observed.users.get(name, ()), desired.assume_removed)
        refuse_in_use(observed.path(name), users)
        yield RemoveFile(name=name, path=observed.path(name))


def _remove_abandoned(observed: ObservedBootstrap) -> Iterator[RemoveFile]:
    for name in sorted(observed.abandoned):
        yield RemoveFile(name=name, path=observed.path(name))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the request and what was found to the changes. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.changes import (
    BootstrapChange,
    RemoveFile,
    UploadIso,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._bootstrap.model import (
    BootstrapRequest,
    ObservedBootstrap,
    meant,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan


def plan_bootstrap(desired: BootstrapRequest, observed: ObservedBootstrap) -> Plan[BootstrapChange]:
    steps = _present(desired, observed) if desired.present else _absent(desired, observed)
    return Plan(tuple(steps))


def _present(desired: BootstrapRequest, observed: ObservedBootstrap) -> Iterator[BootstrapChange]:
    iso = observed.iso
    if iso is None:
        raise GantryError("There is no src to upload.")
    if desired.version not in (None, iso.version):
        raise GantryError(
            f"src {str(iso.path)!r} is version {iso.version}, not {desired.version}. Give the ISO of that version, or "
            "leave version out."
        )
    yield from _tidy(observed)
    found = observed.stored.get(iso.name)
    if found != iso.size:
        yield UploadIso(name=iso.name, path=observed.path(iso.name), size=iso.size, found_size=found)


def _absent(desired: BootstrapRequest, observed: ObservedBootstrap) -> Iterator[BootstrapChange]:
    yield from _tidy(observed)
    for name in meant(desired, observed):
        refuse_in_use(observed.path(name), observed.users.get(name, ()))
        yield RemoveFile(name=name, path=observed.path(name))


def _tidy(observed: ObservedBootstrap) -> Iterator[RemoveFile]:
    for name in sorted(observed.abandoned):
        yield RemoveFile(name=name, path=observed.path(name))


def refuse_in_use(path: str, users: tuple[str, ...]) -> None:
    """Raise when VMs have the ISO in their drive: without it they do not start again."""
    if not users:
        return
    vms = "a VM" if len(users) == 1 else f"{len(users)} VMs"
    raise GantryError(
        f"{path} is in the drive of {vms}: {listed(users)}. Give these another bootstrap, or remove them, first.",
        details={"in_use_by": list(users)},
    )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the other containers with names: all in the folders of the containers that a task applies to.

Nothing is read if no container of the task has names, and else all in one read. The folder and the network limit who
finds whom: a user sees the same containers of a folder whatever other folders they may see, so two users of one folder
write the same tables, and names of another tenant's folder never get into them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible_collections.gantry.vsphere.plugins.module_utils._base.text import listed
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode_names import NAMED_PATHS, decode_named
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model_names import NamedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Inventory
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.roles import EFFECTIVE_ROLE, roles_with

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session

# The privilege that a table is written with.
_WRITES = "VirtualMachine.Config.AdvancedConfig"


def observe_names(
    session: Session, inventory: Inventory, wanted: Sequence[DesiredContainer], observed: Sequence[ObservedContainer]
) -> list[ObservedContainer]:
    """Add the other containers with names to each container."""
    folders = {folder for desired, one in zip(wanted, observed, strict=True) for folder in _folders(desired, one)}
    if not folders:
        return list(observed)
    named = tuple(read_named(session, inventory, folders))
    return [replace(one, named=named) for one in observed]


def _folders(desired: DesiredContainer, observed: ObservedContainer) -> Iterable[str]:
    """Yield the MoIDs of the folders of a container with names, before and after the task."""
    if observed.machine is not None and observed.machine.names and observed.machine.folder is not None:
        yield observed.machine.folder.moid
    config, place = desired.config, observed.place
    if desired.state == "absent" or config is None or place is None:
        return
    if any(network.aliases is not None for network in config.networks):
        folder = place.folder or (observed.machine.folder if observed.machine is not None else None)
        if folder is not None:
            yield folder.moid


def read_named(session: Session, inventory: Inventory, folders: Iterable[str]) -> list[NamedContainer]:
    """Return the containers with names in folders, by the MoIDs of the folders."""
    within = set(folders)
    entries = {entry.moid: entry for entry in inventory.vms() if entry.parent in within}
    if not entries:
        return []
    rows = session.read([entry.ref for entry in entries.values()], NAMED_PATHS)
    roles = {int(role) for row in rows for role in row.get(EFFECTIVE_ROLE) or ()}
    writing = roles_with(session, _WRITES, roles)
    decoded = (
        decode_named(entries[row.moid].name, entries[row.moid].parent or "", row.moid, row, writing) for row in rows
    )
    return [one for one in decoded if one is not None]


def warn_of_readonly(session: Session, named: Iterable[NamedContainer]) -> None:
    """Name the containers that go on finding what they found before."""
    left = sorted(one.name for one in named if not one.writable)
    if left:
        session.warn(
            f"The names that these containers find are not updated, because they are suspended or this user lacks "
            f"{_WRITES} on them: {listed(left)}. Run the task again as a user who may change them."
        )

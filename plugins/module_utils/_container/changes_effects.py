# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan means for each container that exists: changed in place, restarted or replaced, and by which options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    ContainerChange,
    Destroy,
    MoveFolder,
    MovePool,
    PowerOn,
    Promote,
    Reconfigure,
    Relocate,
    Stop,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_files import ReplaceFiles
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Reinstate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_volumes import (
    AttachVolume,
    DetachVolumes,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import Effect

IN_PLACE, RESTARTED, REPLACED = "in place", "restarted", "replaced"

# The options whose values these changes change.
_OPTIONS_OF: dict[type[ContainerChange], str] = {
    MoveFolder: "folder",
    MovePool: "resource_pool",
    Relocate: "datastore",
    AttachVolume: "volumes",
    DetachVolumes: "volumes",
}


def container_effects(changes_of_each: Iterable[Sequence[ContainerChange]]) -> list[Effect]:
    """Return the effect on each container that its changes change, and not only create, start, stop or remove."""
    return [effect for changes in changes_of_each if (effect := _effect(changes)) is not None]


def _effect(changes: Sequence[ContainerChange]) -> Effect | None:
    for change in changes:
        if isinstance(change, (Promote, Reinstate)) and change.causes is not None:
            return Effect(change.container, REPLACED, change.causes)
    if any(isinstance(change, (Clone, Destroy)) and not _is_of_successor(change) for change in changes):
        return None
    starts = any(isinstance(change, PowerOn) for change in changes)
    for change in changes:
        if isinstance(change, Stop) and change.causes and starts and not change.machine.has_ended:
            return Effect(change.container, RESTARTED, change.causes)
    own = [change for change in changes if _options(change) and not _is_of_successor(change)]
    names = {name for change in own for name in _options(change)}
    return Effect(own[0].container, IN_PLACE, tuple(sorted(names))) if own else None


def _is_of_successor(change: ContainerChange) -> bool:
    """Return whether a change is of the VM that an interrupted replacement has left, and not of the container's own."""
    machine = change.target if isinstance(change, Clone) else getattr(change, "machine", None)
    return isinstance(machine, Machine) and machine.name != change.container


def _options(change: ContainerChange) -> list[str]:
    if isinstance(change, (Reconfigure, ReplaceFiles)):
        return list(change.options)
    return [_OPTIONS_OF[type(change)]] if type(change) in _OPTIONS_OF else []

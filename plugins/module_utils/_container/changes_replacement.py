# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes by which a new VM takes the place of an old one that is kept for a while, or gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange, Destroy
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_view import machine_view
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine, ObservedContainer
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import nested
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import (
    KIND_CONTAINER,
    KIND_PREDECESSOR,
    PREDECESSOR_SUFFIX,
)


@dataclass(frozen=True)
class Retire(ContainerChange):
    """Give the old VM another name and kind: from then on no other container finds it by name.

    Its ``successor`` takes its place in the DRS rules before.
    """

    machine: Machine
    successor: Machine

    @property
    def name(self) -> str:
        """Return the name of the VM afterwards."""
        return self.container + PREDECESSOR_SUFFIX

    def describe(self) -> str:
        return f"rename {self.machine.name} to {self.name}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value=_view(self.machine))

    def after(self) -> Mapping[str, Any]:
        return nested(self.name, value=_view(self.machine))

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        path = f"{self.machine.folder_path}/{self.name}"
        retired = replace(self.machine, name=self.name, path=path, kind=KIND_PREDECESSOR)
        return replace(observed, machine=None, predecessors=(retired, *observed.predecessors))


@dataclass(frozen=True)
class Drain(ContainerChange):
    """Take a VM from the names that other containers find, and let it run on for what it has begun.

    One that is restarted, and not replaced, gets its names again when it is reconfigured.
    """

    machine: Machine
    seconds: float

    def describe(self) -> str:
        return f"drain {self.container} for {self.seconds:g} s"

    def before(self) -> Mapping[str, Any]:
        return {}

    def after(self) -> Mapping[str, Any]:
        return {}

    @property
    def withdraws(self) -> bool:
        """Return whether the VM still has the names by which the container is found."""
        return self.machine.kind == KIND_CONTAINER and bool(self.machine.names)

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        return observed.with_changed(self.machine, replace(self.machine, names=())) if self.withdraws else observed


@dataclass(frozen=True)
class Discard(Destroy):
    """Delete an old VM that was kept until the new one has proved itself."""

    def describe(self) -> str:
        return f"remove {self.machine.name}, which {self.container} has replaced"


@dataclass(frozen=True)
class Reinstate(ContainerChange):
    """Put an old VM that was kept back into its place: its name and its kind, in one call."""

    machine: Machine
    # The options because of which it replaces the new VM; None if that is gone, or its update has failed.
    causes: tuple[str, ...] | None = None

    def describe(self) -> str:
        return f"rename {self.machine.name} back to {self.container}"

    def before(self) -> Mapping[str, Any]:
        return nested(self.machine.name, value=_view(self.machine))

    def after(self) -> Mapping[str, Any]:
        return nested(self.container, value=_view(self.machine))

    def project(self, observed: ObservedContainer) -> ObservedContainer:
        path = f"{self.machine.folder_path}/{self.container}"
        back = replace(self.machine, name=self.container, path=path, kind=KIND_CONTAINER)
        rest = tuple(one for one in observed.predecessors if one != self.machine)
        return replace(observed, machine=back, predecessors=rest)


def _view(machine: Machine) -> dict[str, Any]:
    return {**machine_view(machine), "power": machine.power}

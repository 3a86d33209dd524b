# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for a resource pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Creation, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    Allocations,
    ObservedPool,
    PoolState,
    view,
    view_all,
)

_KEY = "resource_pools"


@dataclass(frozen=True)
class MakeResourcePool(Creation):
    """Create a pool with all of its allocations."""

    path: str
    allocations: Allocations

    def describe(self) -> str:
        return f"create {self.path}"

    def after(self) -> Mapping[str, Any]:
        return nested(_KEY, self.path, value=view_all(self.allocations))

    def project(self, observed: ObservedPool) -> ObservedPool:
        place = replace(observed.place, missing=())
        return replace(observed, place=place, pool=PoolState(None, self.allocations))


@dataclass(frozen=True)
class ChangePoolAllocation:
    """Change one value of an allocation: ``kind`` is cpu or memory, ``name`` that of its option."""

    path: str
    kind: str
    name: str
    old: Any
    new: Any

    def describe(self) -> str:
        return f"set {self.kind}.{self.name}: {_text(view(self.kind, self.name, self.new))}"

    def before(self) -> Mapping[str, Any]:
        return nested(_KEY, self.path, self.kind, self.name, value=view(self.kind, self.name, self.old))

    def after(self) -> Mapping[str, Any]:
        return nested(_KEY, self.path, self.kind, self.name, value=view(self.kind, self.name, self.new))

    def project(self, observed: ObservedPool) -> ObservedPool:
        if observed.pool is None:
            raise ValueError(f"{self.path} is changed before it is created")
        allocations = observed.pool.allocations
        changed = {**allocations, self.kind: {**allocations[self.kind], self.name: self.new}}
        return replace(observed, pool=replace(observed.pool, allocations=changed))


@dataclass(frozen=True)
class RemoveResourcePool(Removal):
    """Remove an empty pool."""

    path: str
    moid: str
    allocations: Allocations

    def describe(self) -> str:
        return f"remove {self.path}"

    def before(self) -> Mapping[str, Any]:
        return nested(_KEY, self.path, value=view_all(self.allocations))

    def project(self, observed: ObservedPool) -> ObservedPool:
        return replace(observed, pool=None)


PoolChange: TypeAlias = "MakeResourcePool | ChangePoolAllocation | RemoveResourcePool"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

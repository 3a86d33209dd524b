# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a resource pool: what others have changed stays, and what vCenter did not take is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pyVmomi import vim

from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.apply import apply_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.changes import ChangePoolAllocation
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.decode import decode_allocations
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.encode import encode_pool
from ansible_collections.gantry.vsphere.plugins.module_utils._resource_pool.model import (
    CPU,
    MEMORY,
    NEW_ALLOCATION,
    ObservedPool,
    PoolPlace,
    PoolState,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.collector import Row
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job
from tests.support.builders.inventory import Property, Ref

PATH = "/DC0/host/C0/Resources/prod"
CLUSTER = Entry("C0", "/DC0/host/C0", "ClusterComputeResource", "c0", None)
ROOT = Entry("Resources", "/DC0/host/C0/Resources", "ResourcePool", "rp0", None)
POOL = Entry("prod", PATH, "ResourcePool", "p-prod", None)
ALLOCATIONS = {CPU: dict(NEW_ALLOCATION), MEMORY: dict(NEW_ALLOCATION)}


@dataclass
class OnePool:
    """A session with one pool, which takes what is written in the way that the test chooses."""

    config: Any
    write: Callable[[OnePool, Any], None]
    exists: bool = True
    written: list[Any] = field(default_factory=list)

    @property
    def session(self) -> Session:
        return cast(Session, self)

    def ref(self, type_name: str, moid: str) -> Any:
        assert (type_name, moid) == ("ResourcePool", "p-prod")
        return self

    def read(self, objects: Sequence[Any], _properties: Sequence[str]) -> list[Row]:
        if not objects or not self.exists:
            return []
        return [Row(Ref("ResourcePool", "p-prod"), [Property("config", self.config)])]

    def run_one(self, job: Job, _report: Callable[[str], None]) -> Any:
        return job.start()

    def UpdateConfig(self, name: str | None, spec: Any) -> None:  # noqa: N802 - the API's name
        assert name is None
        self.written.append(spec)
        self.write(self, spec)


def takes_all(pool: OnePool, spec: Any) -> None:
    pool.config = spec


def takes_nothing(_pool: OnePool, _spec: Any) -> None:
    pass


def vanishes(pool: OnePool, _spec: Any) -> None:
    pool.exists = False


def apply(pool: OnePool) -> ObservedPool:
    """Set cpu.reservation to 100, of a pool that was read when it had all defaults."""
    observed = ObservedPool(PoolPlace(CLUSTER, ROOT, POOL, PATH, ()), PoolState("p-prod", ALLOCATIONS), {})
    plan = Plan((ChangePoolAllocation(PATH, CPU, "reservation", 0, 100),))
    return apply_pool(pool.session, observed, plan, lambda _text: None)


def config(version: str, memory: Mapping[str, Any]) -> Any:
    return encode_pool({**ALLOCATIONS, MEMORY: {**NEW_ALLOCATION, **memory}}, version)


def test_what_somebody_else_has_changed_meanwhile_stays() -> None:
    pool = OnePool(config("7", {"limit": 512}), takes_all)
    after = apply(pool)
    (spec,) = pool.written
    assert isinstance(spec, vim.ResourceConfigSpec)
    assert spec.changeVersion == "7"
    assert decode_allocations(spec) == {
        CPU: {**NEW_ALLOCATION, "reservation": 100},
        MEMORY: {**NEW_ALLOCATION, "limit": 512},
    }
    assert after.pool is not None
    assert after.pool.allocations[MEMORY]["limit"] == 512


def test_what_vcenter_did_not_take_is_an_error() -> None:
    with pytest.raises(GantryError, match=r"but cpu\.reservation is 0 and not 100"):
        apply(OnePool(config("1", {}), takes_nothing))


def test_a_pool_that_is_gone_is_an_error() -> None:
    with pytest.raises(GantryError, match="was removed while this task changed it"):
        apply(OnePool(config("1", {}), takes_all, exists=False))
    with pytest.raises(GantryError, match="was removed while this task changed it"):
        apply(OnePool(config("1", {}), vanishes))

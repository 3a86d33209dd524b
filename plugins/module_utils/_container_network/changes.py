# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for a network: those of its port group, and those of its address pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressPool
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import ObservedNetwork, pool_view
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.changes import PortGroupChange

_POOLS = "address_pools"


@dataclass(frozen=True)
class ChangeOfPortGroup:
    """A change of the network's port group."""

    change: PortGroupChange

    def describe(self) -> str:
        return self.change.describe()

    def before(self) -> Mapping[str, Any]:
        return self.change.before()

    def after(self) -> Mapping[str, Any]:
        return self.change.after()

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, port_group=self.change.project(observed.port_group))


@dataclass(frozen=True)
class SetPool:
    """Create the address pool of a network, or change it. ``old`` is None for a new one."""

    network: str
    old: AddressPool | None
    new: AddressPool

    def describe(self) -> str:
        return f"{'create' if self.old is None else 'change'} the address pool of {self.network}: {self.new.subnet}"

    def before(self) -> Mapping[str, Any]:
        return {} if self.old is None else nested(_POOLS, self.network, value=pool_view(self.old))

    def after(self) -> Mapping[str, Any]:
        return nested(_POOLS, self.network, value=pool_view(self.new))

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, pool=self.new)


@dataclass(frozen=True)
class RemovePool(Removal):
    """Remove the address pool of a network that is removed."""

    network: str
    pool: AddressPool

    def describe(self) -> str:
        return f"remove the address pool of {self.network}"

    def before(self) -> Mapping[str, Any]:
        return nested(_POOLS, self.network, value=pool_view(self.pool))

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, pool=None)


NetworkChange: TypeAlias = "ChangeOfPortGroup | SetPool | RemovePool"

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a plan for a network: those of its port group, and those of its address pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import NetworkProfile
from ansible_collections.gantry.vsphere.plugins.module_utils._container_network.model import (
    ObservedNetwork,
    profile_view,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import ChangeOfPart, Removal, nested
from ansible_collections.gantry.vsphere.plugins.module_utils._port_group.changes import PortGroupChange

_POOLS = "address_pools"


@dataclass(frozen=True)
class ChangeOfPortGroup(ChangeOfPart):
    """A change of the network's port group."""

    change: PortGroupChange

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, port_group=self.change.project(observed.port_group))


@dataclass(frozen=True)
class SetPools:
    """Create the address pools of a network, or change them. ``old`` is None for a new profile."""

    network: str
    old: NetworkProfile | None
    new: NetworkProfile

    def describe(self) -> str:
        subnets = ", ".join(str(pool.subnet) for pool in self.new.pools.values())
        return f"{'create' if self.old is None else 'change'} the address pools of {self.network}: {subnets}"

    def before(self) -> Mapping[str, Any]:
        return {} if self.old is None else nested(_POOLS, self.network, value=profile_view(self.old))

    def after(self) -> Mapping[str, Any]:
        return nested(_POOLS, self.network, value=profile_view(self.new))

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, profile=self.new)


@dataclass(frozen=True)
class RemovePools(Removal):
    """Remove the address pools of a network that is removed."""

    network: str
    profile: NetworkProfile

    def describe(self) -> str:
        return f"remove the address pools of {self.network}"

    def before(self) -> Mapping[str, Any]:
        return nested(_POOLS, self.network, value=profile_view(self.profile))

    def project(self, observed: ObservedNetwork) -> ObservedNetwork:
        return replace(observed, profile=None)


NetworkChange: TypeAlias = "ChangeOfPortGroup | SetPools | RemovePools"

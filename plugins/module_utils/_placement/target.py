# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The target of a migration: the changes of a VM's placement. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.gantry.vsphere.plugins.module_utils._placement.model import AdapterFacts, DiskFacts, VmFacts


@dataclass(frozen=True)
class DiskTarget:
    datastore: str
    provisioning: str | None = None


@dataclass(frozen=True)
class MoveTarget:
    """The changes of a VM's placement; fields that are None or empty do not change."""

    host: str | None = None
    # A host of this cluster has yet to be chosen.
    choose_in: str | None = None
    pool: str | None = None
    home: str | None = None
    disks: Mapping[int, DiskTarget] = field(default_factory=dict)
    networks: Mapping[int, str] = field(default_factory=dict)
    folder: str | None = None  # of another vCenter only
    cluster: str | None = None  # of the host, if it changes
    # Disks were given individually.
    splits_disks: bool = False
    # How the host was chosen: given, drs, space (the most free memory).
    chosen_by: str = "given"

    @property
    def in_place(self) -> bool:
        return not (
            self.host or self.choose_in or self.pool or self.home or self.disks or self.networks or self.cluster
        )

    @property
    def moves_storage(self) -> bool:
        return bool(self.home or self.disks)

    def datastores_after(self, vm: VmFacts) -> tuple[str, ...]:
        """Return all datastores of the VM after the move."""
        return self.applied_to(vm).datastores

    def new_datastores(self, vm: VmFacts) -> tuple[str, ...]:
        return tuple(one for one in self.datastores_after(vm) if one not in vm.datastores)

    def applied_to(self, vm: VmFacts) -> VmFacts:
        """Return the VM as it is after the migration."""
        return replace(
            vm,
            host=self.host or vm.host,
            cluster=self.cluster or vm.cluster,
            pool=self.pool or vm.pool,
            home=self.home or vm.home,
            disks=tuple(self._disk(disk) for disk in vm.disks),
            adapters=tuple(self._adapter(adapter) for adapter in vm.adapters),
        )

    def _disk(self, disk: DiskFacts) -> DiskFacts:
        target = self.disks.get(disk.key)
        if target is None:
            return disk
        return replace(disk, datastore=target.datastore, provisioning=target.provisioning or disk.provisioning)

    def _adapter(self, adapter: AdapterFacts) -> AdapterFacts:
        return replace(adapter, network=self.networks.get(adapter.key, adapter.network))

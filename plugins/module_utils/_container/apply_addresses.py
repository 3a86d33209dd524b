# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make sure that an address from a pool belongs to one container only, before the container is started.

vCenter has no lock that a user who creates containers may take, and no addresses that it gives to VMs: allocations of
an IP pool are for extensions of vCenter, cannot be for a given address, and outlive VMs that others remove. So the
record in the VM's own configuration decides, which appears and goes with the VM:

1. The clone has the address in its record from the start.
2. Then the records of all VMs are read. If no other VM has the address, it belongs to this one.

Of two VMs with the same address each is written before the records are read for it, so at least one of the two sees
the other and does not go on: no address is ever used twice, whatever the order. A VM that is off and was created later
gives way and takes the next free address. An earlier one waits for that; if the other VM is started, or keeps the
address, it gives way itself.

A task can be killed between the two steps. So the next task of a container that is off reads the records again
(resolve_addresses).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.decode import POWER_PATH, RECORD_PATH
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.holders import (
    choose_address,
    other_holder,
    taken_addresses,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import AddressedVm, AssignedAddress
from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.observe import read_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import ContainerSubject
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import extra_config_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_names import encode_names
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode_networks import (
    recorded_addresses,
    with_address,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import ON, Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._container.target_names import with_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow, Gather, Watch
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job

# How often a container takes another address before the task gives up: each time another task was faster.
_ATTEMPTS = 20
# How long a VM waits for another one that should give way; a task that runs does so within seconds.
_GIVE_WAY_SECONDS = 10.0


@dataclass
class _GivesWay:
    """The wait for another VM to have another address, or to be started with this one."""

    address: str
    deadline: float

    def seen(self, values: Mapping[str, Any]) -> bool:
        record = values.get(RECORD_PATH)
        recorded = keys.decode_addresses(str(getattr(record, "value", record) or ""))
        return self.address not in recorded or values.get(POWER_PATH) == ON


def hold_addresses(subject: ContainerSubject, machine: Machine, claims: tuple[AssignedAddress, ...]) -> Flow[Machine]:
    """Return the machine, whose VM has been written, with addresses that no other VM has."""
    moid = subject.moid(machine)
    for claim in claims:
        machine = yield from _hold(subject, machine, moid, claim)
    return machine


def _hold(subject: ContainerSubject, machine: Machine, moid: str, claim: AssignedAddress) -> Flow[Machine]:
    own = claim.own | {moid}
    for _attempt in range(_ATTEMPTS):
        taken = yield from _taken(subject, machine, claim, own)
        rival = other_holder(claim.address, taken, own)
        if rival is None:
            return machine
        if not rival.running and _age(moid) < _age(rival.moid) and (yield from _outwaits(subject, rival, claim)):
            continue
        # What the same task gives to its other containers is not free.
        promised = {*taken, *subject.bench.promised.get(claim.pool, ())}
        address = None if claim.fixed else choose_address(claim.pool, machine.name, promised)
        if address is None:
            yield from _rewrite(subject, machine, claim, None)
            raise _lost(machine, claim, rival)
        subject.bench.promise(claim.pool, address, instead_of=claim.address)
        machine = yield from _rewrite(subject, machine, claim, address)
        claim = replace(claim, address=address)
    yield from _rewrite(subject, machine, claim, None)
    raise GantryError(
        f"Container {machine.name} found {_ATTEMPTS} addresses of the pool of {claim.pool.name} taken by other tasks "
        "that run at the same time. Run the task again."
    )


def _taken(
    subject: ContainerSubject, machine: Machine, claim: AssignedAddress, own: frozenset[str]
) -> Flow[dict[str, AddressedVm]]:
    """Return the other VMs by their addresses: one read for all containers that ask while another one is under way."""
    if machine.datacenter is None:
        raise ValueError(f"{machine.name} has an address outside of any datacenter")
    session, datacenter = subject.bench.session, machine.datacenter.moid

    def read(_moids: list[str]) -> Job:
        return read_job("addresses", partial(read_addresses, session, datacenter, reported=False))

    vms: list[AddressedVm] = yield Gather(("addresses", datacenter), subject.id, read, single=True)
    return taken_addresses(claim.pool, [vm for vm in vms if vm.moid not in own])


def _outwaits(subject: ContainerSubject, rival: AddressedVm, claim: AssignedAddress) -> Flow[bool]:
    """Wait for the other VM; return whether it no longer stands in the way, or was not started with the address."""
    waiting = _GivesWay(claim.address, time.monotonic() + _GIVE_WAY_SECONDS)
    return bool((yield Watch(subject.bench.vm(rival.moid), [RECORD_PATH, POWER_PATH], waiting)))


def _rewrite(subject: ContainerSubject, machine: Machine, claim: AssignedAddress, address: str | None) -> Flow[Machine]:
    """Write the VM with another address instead of the claimed one; without one it would use what the network gives."""
    document = _changed(machine.document or {}, claim, address)
    changed = replace(machine, document=document, names=with_addresses(machine.names, document))
    packed = pack(canonical_json(changed.document))
    record = keys.encode_addresses(recorded_addresses(changed.document))
    values = {keys.SPEC: packed, keys.KEPT_SPEC: packed, keys.ADDRESSES: record}
    spec = extra_config_spec({**values, keys.NAMES: encode_names(changed.names)})
    vm = subject.vm(machine)
    yield Job(machine.name, "change the address of", lambda: vm.ReconfigVM_Task(spec))
    return changed


def _changed(document: Mapping[str, Any], claim: AssignedAddress, address: str | None) -> dict[str, Any]:
    networks = list(document["networks"])
    networks[claim.network] = with_address(networks[claim.network], claim, address)
    return {**document, "networks": networks}


def _age(moid: str) -> tuple[int, str]:
    """Return a sort key: later VMs have higher MoIDs."""
    return len(moid), moid


def _lost(machine: Machine, claim: AssignedAddress, rival: AddressedVm) -> GantryError:
    if claim.fixed:
        return GantryError(
            f"The address {claim.address} of container {machine.name} was given to {rival.name} at the same time. The "
            "container was created without an address and not started. Give it another address and run the task again."
        )
    return GantryError(
        f"The address pool of {claim.pool.name} has no address left for container {machine.name}: other tasks took "
        "the last ones at the same time. The container was created without an address and not started. Give the "
        "network a larger pool with container_network, and run the task again."
    )

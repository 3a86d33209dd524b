# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, change, move and remove container VMs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_addresses import hold_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import (
    ContainerSubject,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_rules import succeed_in_rules
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    Destroy,
    MoveFolder,
    MovePool,
    Promote,
    Reconfigure,
    RehomeTemplate,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes_replacement import Reinstate
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import base_snapshot, decode_macs
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import (
    DEVICE_ASPECTS,
    clone_spec,
    extra_config_spec,
    name_spec,
    reconfigure_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.batch import Flow
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import guest_key, keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import pack
from ansible_collections.gantry.vsphere.plugins.module_utils._templates.apply import rehome
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_of, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job, read_job


def clone(subject: ContainerSubject, change: Clone) -> Flow[None]:
    """Clone the template; the clone gets its own id."""
    bench, place = subject.bench, change.place
    if place.folder is None or place.pool is None or place.datastore is None:
        raise ValueError("a clone is made without a complete place")
    target, folder = _identified(change), place.folder.ref
    moid, snapshot = bench.template(change.image)
    template = bench.vm(moid)
    devices = yield from bench.devices(moid)
    backings = bench.backings(target.adapters)
    spec = clone_spec(
        target,
        vim.vm.Snapshot(snapshot, bench.session.stub),
        devices,
        backings,
        pool=place.pool.ref,
        datastore=place.datastore.ref,
        host=None if place.host is None else place.host.ref,
        starts=change.starts,
    )
    made = yield Job(target.name, "clone", lambda: template.CloneVM_Task(folder=folder, name=target.name, spec=spec))
    subject.created.moid, subject.created.container_id = moid_of(made), target.container_id
    target = yield from hold_addresses(subject, target, change.claims)
    yield from _name_adapters(subject, target)


def rehome_template(subject: ContainerSubject, change: RehomeTemplate) -> Flow[None]:
    """Move the template to another host, and find it again if it has a new MoID."""
    bench, former = subject.bench, change.rehoming.moid
    moid = yield from rehome(bench.session, change.rehoming)
    if moid == former:
        return
    rows = yield read_job(change.container, lambda: bench.session.read([bench.vm(moid)], ["snapshot"]))
    snapshot = base_snapshot(rows[0]) if rows else None
    if snapshot is None:
        raise GantryError(
            f"The template {change.rehoming.path} has lost its snapshot, so nothing can be cloned from it. Remove it "
            "with container_image (state absent), then import the image again."
        )
    bench.renewed[former] = moid, snapshot


def reconfigure(subject: ContainerSubject, change: Reconfigure) -> Flow[None]:
    """Change the settings that differ."""
    bench, vm = subject.bench, subject.vm(change.machine)
    devices: Sequence[Any] = ()
    backings: Mapping[str, Any] = {}
    if DEVICE_ASPECTS & set(change.aspects):
        devices = yield from bench.devices(subject.moid(change.machine))
    if "adapters" in change.aspects:
        backings = bench.backings(change.target.adapters)
    spec = reconfigure_spec(change.machine, change.target, devices, backings)
    yield Job(change.machine.name, "reconfigure", lambda: vm.ReconfigVM_Task(spec))
    target = yield from hold_addresses(subject, change.target, change.claims)
    if "adapters" in change.aspects:
        yield from _name_adapters(subject, target)


def promote(subject: ContainerSubject, change: Promote | Reinstate) -> Flow[None]:
    """Give a VM the name and the kind of its container."""
    vm = subject.vm(change.machine)
    yield Job(
        change.machine.name, "rename", lambda: vm.ReconfigVM_Task(name_spec(change.container, keys.KIND_CONTAINER))
    )


def destroy(subject: ContainerSubject, change: Destroy) -> Flow[None]:
    if change.successor is not None:
        yield from succeed_in_rules(subject, change.machine, change.successor)
    yield Job(change.machine.name, "destroy", subject.vm(change.machine).Destroy_Task)


def move_folder(subject: ContainerSubject, change: MoveFolder) -> Flow[None]:
    vm, folder = subject.vm(change.machine), change.folder.ref
    yield Job(change.machine.name, "move", lambda: folder.MoveIntoFolder_Task([vm]))


def move_pool(subject: ContainerSubject, change: MovePool) -> Flow[None]:
    vm, pool = subject.vm(change.machine), change.pool.ref
    yield Job(change.machine.name, "move", lambda: pool.MoveIntoResourcePool([vm]), has_task=False)


def _name_adapters(subject: ContainerSubject, target: Machine) -> Flow[None]:
    """Write the MACs that vCenter assigned into the guest document, so that the guest can identify its adapters."""
    if len(target.adapters) < 2:
        return
    vm = subject.vm(target)
    devices = yield from subject.bench.devices(subject.moid(target))
    macs = decode_macs(devices)
    document = pack(canonical_json(_with_macs(target.document or {}, macs)))
    spec = extra_config_spec({keys.SPEC: document, keys.KEPT_SPEC: document})
    yield Job(target.name, "name the adapters of", lambda: vm.ReconfigVM_Task(spec))


def _identified(change: Clone) -> Machine:
    """Return the target with a new id, and with the secret that belongs to it."""
    container_id = str(uuid.uuid4())
    document = {**(change.target.document or {}), "id": container_id}
    if change.guest_key is not None:
        document[guest_key.FIELD] = change.guest_key.guest_field(container_id)
    return replace(change.target, container_id=container_id, document=document)


def _with_macs(document: Mapping[str, Any], macs: Sequence[str | None]) -> dict[str, Any]:
    networks = [
        {**network, "mac": network["mac"] or mac} for network, mac in zip(document["networks"], macs, strict=True)
    ]
    return {**document, "networks": networks}

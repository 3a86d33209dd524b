# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creating, changing, moving and removing container VMs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.canonical_json import canonical_json
from ansible_collections.gantry.vsphere.plugins.module_utils._base.errors import GantryError
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply_batch import Run, Workbench
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import (
    Clone,
    Destroy,
    MoveFolder,
    MovePool,
    Promote,
    Reconfigure,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.decode import decode_adapters
from ansible_collections.gantry.vsphere.plugins.module_utils._container.encode import (
    DEVICE_ASPECTS,
    clone_spec,
    extra_config_spec,
    promote_spec,
    reconfigure_spec,
    refuse_opaque,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import Machine
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.backings import network_backings
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.pyvmomi import moid_or_none, vim
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.tasks import Job


def clone(bench: Workbench, runs: Sequence[Run]) -> None:
    """Clone the templates; each clone gets an id of its own."""
    changes: list[Clone] = [run.change(Clone) for run in runs]
    targets = [_identified(change.target) for change in changes]
    devices = bench.devices(change.image.moid for change in changes)
    backings = _backings(bench, (adapter.network for target in targets for adapter in target.adapters))

    def job(change: Clone, target: Machine) -> Job:
        place = change.place
        if place.folder is None or place.pool is None or place.datastore is None:
            raise ValueError("a clone is made without a complete place")
        template, folder = bench.vm(change.image.moid), place.folder.ref
        spec = clone_spec(
            target,
            vim.vm.Snapshot(change.image.snapshot, bench.session.stub),
            devices.get(change.image.moid, ()),
            backings,
            pool=place.pool.ref,
            datastore=place.datastore.ref,
            host=None if place.host is None else place.host.ref,
        )
        return Job(target.name, "clone", lambda: template.CloneVM_Task(folder=folder, name=target.name, spec=spec))

    created = bench.tasks(runs, [job(change, target) for change, target in zip(changes, targets, strict=True)])
    for run, ref in zip(runs, created, strict=True):
        run.created = moid_or_none(ref)
    _name_adapters(bench, [(run, target) for run, target in zip(runs, targets, strict=True) if run.created])


def reconfigure(bench: Workbench, runs: Sequence[Run]) -> None:
    """Change what differs."""
    changes: list[Reconfigure] = [run.change(Reconfigure) for run in runs]
    moids = [run.moid(change.machine) for run, change in zip(runs, changes, strict=True)]
    touched = [bool(DEVICE_ASPECTS & set(change.aspects)) for change in changes]
    devices = bench.devices(moid for moid, touches in zip(moids, touched, strict=True) if touches)
    backings = _backings(
        bench,
        (adapter.network for change in changes if "adapters" in change.aspects for adapter in change.target.adapters),
    )

    def job(moid: str, change: Reconfigure) -> Job:
        vm = bench.vm(moid)
        spec = reconfigure_spec(change.machine, change.target, devices.get(moid, ()), backings)
        return Job(change.machine.name, "reconfigure", lambda: vm.ReconfigVM_Task(spec))

    bench.tasks(runs, [job(moid, change) for moid, change in zip(moids, changes, strict=True)])
    _name_adapters(
        bench,
        [
            (run, change.target)
            for run, change in zip(runs, changes, strict=True)
            if run.error is None and "adapters" in change.aspects
        ],
    )


def promote(bench: Workbench, runs: Sequence[Run]) -> None:
    bench.each(runs, Promote, "rename", lambda vm, change: vm.ReconfigVM_Task(promote_spec(change.container)))


def destroy(bench: Workbench, runs: Sequence[Run]) -> None:
    bench.each(runs, Destroy, "destroy", lambda vm, _change: vm.Destroy_Task())


def move_folder(bench: Workbench, runs: Sequence[Run]) -> None:
    bench.each(runs, MoveFolder, "move", lambda vm, change: change.folder.ref.MoveIntoFolder_Task([vm]))


def move_pool(bench: Workbench, runs: Sequence[Run]) -> None:
    for run in runs:
        change = run.change(MovePool)
        try:
            change.pool.ref.MoveIntoResourcePool([bench.vm(run.moid(change.machine))])
        except GantryError as error:
            run.fail(error)


def _name_adapters(bench: Workbench, done: Sequence[tuple[Run, Machine]]) -> None:
    """Write the MACs that vCenter gave into the spec, where the guest must tell several adapters apart."""
    several = [(run, target) for run, target in done if len(target.adapters) > 1]
    devices = bench.devices(run.moid(target) for run, target in several)

    def job(run: Run, target: Machine) -> Job:
        moid = run.moid(target)
        vm = bench.vm(moid)
        macs = [adapter.mac for adapter in decode_adapters(devices[moid])]
        spec = extra_config_spec({keys.SPEC: canonical_json(_with_macs(target.spec or {}, macs))})
        return Job(target.name, "name the adapters of", lambda: vm.ReconfigVM_Task(spec))

    if several:
        bench.tasks([run for run, _target in several], [job(run, target) for run, target in several])


def _backings(bench: Workbench, networks: Iterable[str]) -> dict[str, Any]:
    """What an adapter's backing is, by the MoID of its port group."""
    inventory, wanted = bench.session.inventory(), list(networks)
    refuse_opaque(entry for moid in wanted if (entry := inventory.entry(moid)) is not None)
    return network_backings(bench.session, inventory, wanted)


def _identified(target: Machine) -> Machine:
    container_id = str(uuid.uuid4())
    return replace(target, container_id=container_id, spec={**(target.spec or {}), "id": container_id})


def _with_macs(spec: Mapping[str, Any], macs: Sequence[str | None]) -> dict[str, Any]:
    networks = [{**network, "mac": network["mac"] or mac} for network, mac in zip(spec["networks"], macs, strict=True)]
    return {**spec, "networks": networks}

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations behind container_vm and container_vm_info."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.gantry.vsphere.plugins.module_utils._base.report import Report
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import parse_strings
from ansible_collections.gantry.vsphere.plugins.module_utils._container import resolve
from ansible_collections.gantry.vsphere.plugins.module_utils._container.apply import apply_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.changes import ContainerChange
from ansible_collections.gantry.vsphere.plugins.module_utils._container.desire import desire_container
from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import drift_warnings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    DesiredContainer,
    Machine,
    ObservedContainer,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.observe import observe_containers, read_machines
from ansible_collections.gantry.vsphere.plugins.module_utils._container.options import (
    container_argument_spec,
    info_argument_spec,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._container.plan import plan_containers
from ansible_collections.gantry.vsphere.plugins.module_utils._container.result import container_result, selects_labels
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.operation import InfoOperation, Operation
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.options import argument_spec
from ansible_collections.gantry.vsphere.plugins.module_utils._engine.plan import Plan
from ansible_collections.gantry.vsphere.plugins.module_utils._guest import keys
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.keys import KIND_CONTAINER
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry, Inventory

if TYPE_CHECKING:
    from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.session import Session


class ContainerOperation(Operation[DesiredContainer, ObservedContainer, ContainerChange]):
    """container_vm: a list of one container."""

    name = "container_vm"
    argument_spec = argument_spec(**container_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> DesiredContainer:
        return desire_container(params)

    def observe(self, session: Session, desired: DesiredContainer) -> ObservedContainer:
        (observed,) = observe_containers(session, [desired])
        return observed

    def plan(self, desired: DesiredContainer, observed: ObservedContainer) -> Plan[ContainerChange]:
        return plan_containers([(desired, observed)])

    def apply(
        self,
        session: Session,
        desired: DesiredContainer,
        observed: ObservedContainer,
        plan: Plan[ContainerChange],
        report: Report,
    ) -> ObservedContainer:
        apply_containers(session, plan.changes, report)
        (now,) = observe_containers(session, [desired], refresh=True)
        return now

    def result(self, desired: DesiredContainer, observed: ObservedContainer) -> dict[str, Any]:
        return {
            "container": None if observed.machine is None else container_result(observed.machine),
            "warnings": drift_warnings(desired, observed),
        }


@dataclass(frozen=True)
class Selection:
    """Which containers are asked for, and whether with their output."""

    names: tuple[str, ...] | None
    labels: Mapping[str, str]
    datacenter: str | None
    folder: str | None
    logs: bool


class ContainerInfoOperation(InfoOperation[Selection, Sequence[Machine]]):
    """container_vm_info."""

    name = "container_vm_info"
    argument_spec = argument_spec(**info_argument_spec())

    def desire(self, params: Mapping[str, Any]) -> Selection:
        return Selection(
            names=None if params["name"] is None else tuple(params["name"]),
            labels=parse_strings(params["labels"] or {}, "labels"),
            datacenter=params["datacenter"],
            folder=params["folder"],
            logs=params["logs"],
        )

    def observe(self, session: Session, desired: Selection) -> Sequence[Machine]:
        # Two keys of every VM, in the one read of the inventory: whose it is and its labels.
        paths = [keys.option_path(keys.KIND), keys.option_path(keys.LABELS)]
        inventory = session.inventory(vms=True, properties={"VirtualMachine": paths})
        chosen = [entry for entry in _within(inventory, desired) if _is_wanted(entry, desired)]
        return read_machines(session, inventory, sorted(chosen, key=lambda entry: entry.path), logs=desired.logs)

    def result(self, desired: Selection, observed: Sequence[Machine]) -> dict[str, Any]:
        containers = []
        for machine in observed:
            container = container_result(machine)
            if desired.logs:
                container["log"] = machine.log
            containers.append(container)
        return {"containers": containers}


def _within(inventory: Inventory, desired: Selection) -> list[Entry]:
    datacenter = resolve.find_datacenter(inventory, desired.datacenter)
    folder = resolve.find_folder(inventory, desired.folder, datacenter)
    entries = inventory.vms(datacenter=datacenter)
    return entries if folder is None else [entry for entry in entries if entry.path.startswith(f"{folder.path}/")]


def _is_wanted(entry: Entry, desired: Selection) -> bool:
    if keys.option(entry.properties, keys.KIND) != KIND_CONTAINER:
        return False
    labels = keys.decode_labels(keys.option(entry.properties, keys.LABELS))
    return (desired.names is None or entry.name in desired.names) and selects_labels(labels, desired.labels)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container as modules return it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from ansible_collections.gantry.vsphere.plugins.module_utils._address_pool.model import IPV4, IPV6
from ansible_collections.gantry.vsphere.plugins.module_utils._base.values import MIB
from ansible_collections.gantry.vsphere.plugins.module_utils._container.drift import drift_warnings
from ansible_collections.gantry.vsphere.plugins.module_utils._container.model import (
    NEW,
    OFF,
    ON,
    SUSPENDED,
    ContainerSelection,
    DesiredContainer,
    Machine,
    ObservedContainer,
    guest_state,
)
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.networks import static_addresses
from ansible_collections.gantry.vsphere.plugins.module_utils._vcenter.inventory import Entry

_STATES = {ON: "running", OFF: "stopped", SUSPENDED: "suspended"}


def container_task_result(desired: DesiredContainer, observed: ObservedContainer) -> dict[str, Any]:
    """Return what a task of container_vm returns."""
    return {
        "container": None if observed.machine is None else container_result(observed.machine),
        "warnings": drift_warnings(desired, observed),
    }


def containers_result(machines: Sequence[Machine], selected: ContainerSelection) -> dict[str, Any]:
    """Return what a task of container_vm_info returns."""
    containers = []
    for machine in machines:
        container = container_result(machine)
        if selected.logs:
            container["log"] = machine.log
        if selected.exit_from_disk:
            container["exit_from_disk"] = machine.exit_from_disk
        if selected.usage_minutes:
            container["usage"] = machine.usage
        if selected.events:
            container["events"] = list(machine.events)
        containers.append(container)
    return {"containers": containers}


def container_result(machine: Machine) -> dict[str, Any]:
    """Return all facts of a container, without the values of its environment variables."""
    status = machine.status or {}
    over = guest_state(machine)
    fresh = over not in ("booting", "created")
    return {
        "name": machine.name,
        "id": _known(machine.container_id),
        "moid": _known(machine.moid),
        "instance_uuid": machine.instance_uuid,
        "image": machine.image,
        "image_digest": machine.digest,
        "state": _STATES.get(machine.power, machine.power),
        "status": over,
        "exit_code": status.get("exit_code") if fresh else None,
        "oom_killed": status.get("oom_killed", False) if fresh else False,
        "restart_count": status.get("restart_count", 0) if fresh else 0,
        "health": status.get("health") if machine.running and fresh else None,
        "health_output": status.get("health_output") if machine.running and fresh else None,
        "error": status.get("error") if fresh else None,
        "document_source": status.get("document") if fresh else None,
        "started_at": status.get("started_at") if fresh else None,
        "finished_at": status.get("finished_at") if fresh else None,
        "ip_addresses": ip_addresses(machine),
        "networks": [dict(nic) for nic in machine.addresses],
        "configured_addresses": static_addresses(machine.document, IPV4),
        "configured_ipv6_addresses": static_addresses(machine.document, IPV6),
        "hostname": (machine.document or {}).get("hostname"),
        "published_ports": list((machine.config or {}).get("published_ports") or ()),
        "labels": dict(machine.labels),
        "memory": machine.memory_mb * MIB,
        "cpus": machine.cpus,
        "cpu_hot_add": machine.hot_add.cpus,
        "memory_hot_add": machine.hot_add.memory,
        "notes": machine.notes,
        "host": _name(machine.host),
        "datacenter": _name(machine.datacenter),
        "cluster": _name(machine.cluster),
        "resource_pool": _name(machine.pool),
        "folder": machine.folder_path,
        "path": machine.path,
        "datastore": _name(machine.datastore),
        "bootstrap": machine.bootstrap,
        "guest_operations": machine.guest_operations is not None,
    }


def ip_addresses(machine: Machine) -> list[str]:
    """Return the addresses of the container: IPv4 first, without link-local ones."""
    found = [address for nic in machine.addresses for address in nic["ip_addresses"]]
    reachable = [address for address in dict.fromkeys(found) if not _is_link_local(address)]
    return sorted(reachable, key=lambda address: ":" in address)


def _is_link_local(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_link_local
    except ValueError:
        return False


def _known(text: str | None) -> str | None:
    return None if text == NEW else text


def _name(node: Entry | None) -> str | None:
    return None if node is None else node.name

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the inventory of 5,000 container VMs with the least that it can cost, and with the peers' plugins.

The least is Ansible's own cost of the same hosts, variables and groups from a script that only prints them, plus a bare
read of the same properties with pyVmomi. With 10,000 VMs it runs again, without the peers. The lab has no latency,
which favors the side with more requests. The side of the peers takes minutes, so it runs once.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from benchmarks.playing import Bench, bench

SIZES = (5000, 10000)
RUNS = 3
_BATCHES = 10
_PROGRAM = str(Path(sys.executable).parent / "ansible-inventory")
_BARE = [sys.executable, "-c", "from benchmarks.bare_inventory import read; read()"]
_OURS = {"plugin": "gantry.vsphere.container_vms", "group_by": ["cluster", "host", "image", "label"]}
_PEERS = {
    "vmware_vm_inventory": ("community.vmware.vmware_vm_inventory", "peer.vmware_vm_inventory.yml"),
    "vms": ("vmware.vmware.vms", "peer.vmware_vms.yml"),
}


def _add_containers(one: Bench, first: int, last: int) -> None:
    """Add container VMs that are off, from number first to before last, in groups by image and label."""
    for batch in range(_BATCHES):
        status = {
            "version": 1,
            "state": "exited",
            "exit_code": 0,
            "health": "none",
            "finished_at": "2026-01-01T12:00:00Z",
        }
        labels = {"project": f"project-{batch}", "tier": ("front", "back")[batch % 2]}
        spec = {"version": 1, "hostname": "container", "process": {"args": ["serve"], "env": ["A=b"] * 20}}
        one.control.add_vms(
            (last - first) // _BATCHES,
            f"bench-{first}-{batch}-",
            {
                "gantry.kind": "container",
                "gantry.id": "8d0c4a52-3f7e-4a3b-9d6e-0a1b2c3d4e5f",
                "gantry.image": f"registry.example.com/app-{batch}:1",
                "gantry.image.digest": f"sha256:{'4c' * 32}",
                "gantry.labels": json.dumps(labels),
                "gantry.spec": json.dumps(spec),
                "guestinfo.gantry.status": json.dumps(status),
            },
        )


def _listing(source: Path) -> list[str]:
    return [_PROGRAM, "-i", str(source), "--list"]


def _source(one: Bench, name: str, options: Mapping[str, Any]) -> Path:
    path = one.folder / name
    path.write_text(json.dumps(options))  # JSON is YAML
    return path


def _script(one: Bench, environment: Mapping[str, str], source: Path) -> Path:
    """Return a script that prints what our plugin makes of the vCenter."""
    done = subprocess.run(_listing(source), env=environment, capture_output=True, text=True, check=True)
    data = one.folder / "hosts.json"
    document = json.loads(done.stdout, object_hook=_plain)
    # What newer versions of ansible-core add is not for a script to say.
    document["_meta"].pop("profile", None)
    data.write_text(json.dumps(document))
    script = one.folder / "hosts.sh"
    script.write_text(f"#!/bin/sh\nexec cat {shlex.quote(str(data))}\n")
    script.chmod(0o755)
    return script


def _plain(value: dict[str, Any]) -> Any:
    return value["__ansible_unsafe"] if value.keys() == {"__ansible_unsafe"} else value


def _hosts(environment: Mapping[str, str], command: Sequence[str]) -> int:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return len(json.loads(done.stdout)["_meta"]["hostvars"])


def _measure(one: Bench, size: int, environment: Mapping[str, str]) -> list[tuple[str, Any]]:
    ours = _source(one, "ours.container_vms.yml", _OURS)
    commands = {
        "ours": _listing(ours),
        "script": _listing(_script(one, environment, ours)),
        "bare": _BARE,
    }
    if _hosts(environment, commands["script"]) != size:
        raise SystemExit(f"The inventory does not have {size} hosts")
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    requests = 0
    for _run in range(RUNS):
        for name, command in commands.items():
            one.control.forget()
            costs[name].append(cost_of(command, one.environment))
            if name == "ours":
                requests = len(one.control.methods())
    cost = {name: medians(found) for name, found in costs.items()}
    least = Cost(cost["script"].wall + cost["bare"].wall, cost["script"].cpu + cost["bare"].cpu)
    return [
        (f"{size} VMs: container_vms, wall seconds", cost["ours"].wall),
        (f"{size} VMs: container_vms, CPU seconds", cost["ours"].cpu),
        (f"{size} VMs: requests of container_vms", requests),
        (f"{size} VMs: a script with the same hosts, wall seconds", cost["script"].wall),
        (f"{size} VMs: a script with the same hosts, CPU seconds", cost["script"].cpu),
        (f"{size} VMs: bare property read, wall seconds", cost["bare"].wall),
        (f"{size} VMs: bare property read, CPU seconds", cost["bare"].cpu),
        (f"{size} VMs: wall, container_vms / (script + bare read)", cost["ours"].wall / least.wall),
        (f"{size} VMs: CPU, container_vms / (script + bare read)", cost["ours"].cpu / least.cpu),
    ]


def _measure_peers(one: Bench, size: int, ours: float) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, (plugin, file) in _PEERS.items():
        source = _source(one, file, {"plugin": plugin, **one.peers_connection()})
        one.control.forget()
        cost = cost_of(_listing(source), one.environment)
        rows += [
            (f"{size} VMs: {plugin}, wall seconds", cost.wall),
            (f"{size} VMs: requests of {plugin}", len(one.control.methods())),
            (f"{size} VMs: wall, {name} / container_vms", cost.wall / ours),
        ]
    return rows


def main() -> None:
    rows: list[tuple[str, Any]] = []
    with bench() as one:
        before = 0
        for size in SIZES:
            _add_containers(one, before, size)
            found = _measure(one, size, {**os.environ, **one.environment})
            rows += found
            if size == SIZES[0]:
                rows += _measure_peers(one, size, found[0][1])
            before = size
            # The figures so far: the rest takes minutes.
            report("inventory", rows)


if __name__ == "__main__":
    main()

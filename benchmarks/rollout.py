# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the playbooks site and rollout for 3 vCenters of 2 clusters with 50 containers each, and their second runs.

Each vCenter is a lab that boots nothing, so this is the cost of the controller and of its requests. The playbooks run
once for all vCenters, as hosts of one inventory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, cost_of, report
from benchmarks.playing import Bench, bench
from devkit.console import ROOT
from tests.support.lab.iso import make_iso

VCENTERS = 3
CLUSTERS = ("C0", "C1")
CONTAINERS = 50


def _variables(one: Bench, iso: Path) -> dict[str, Any]:
    vcenter, image, datastore = one.info["vcenter"], one.info["images"]["tiny"], one.info["datastore"]
    connection = {name: vcenter[name] for name in ("hostname", "port", "username", "password", "ca_path")}
    lists = [{"name": f"app-{name.lower()}", "image": image, "cluster": name} for name in CLUSTERS]
    pools = [{"path": "containers", "cluster": name} for name in CLUSTERS]
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        **{f"{role}_{name}": value for role in ("private_cloud", "containers") for name, value in connection.items()},
        "private_cloud_clusters": [{"name": name, "drs": {"enabled": True}} for name in CLUSTERS],
        "private_cloud_folders": [{"path": "containers"}],
        "private_cloud_resource_pools": pools,
        "private_cloud_bootstrap": {"src": str(iso), "datastores": [datastore]},
        "private_cloud_images": [{"name": image, "datastores": [datastore], "cluster": CLUSTERS[0]}],
        "private_cloud_registry_tls_verify": False,
        "containers_project": "bench",
        "containers_folder": "containers",
        "containers_resource_pool": "containers",
        "containers_datastore": datastore,
        "containers_registry_tls_verify": False,
        "containers_list": [{**entry, "replicas": CONTAINERS, "state": "started"} for entry in lists],
    }


def _run(vcenters: Sequence[Bench], inventory: Path, playbook: str) -> tuple[Cost, int]:
    """Return the cost of a run, and the most requests that one vCenter got."""
    for one in vcenters:
        one.control.forget()
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory)]
    cost = cost_of([*command, str(ROOT / "playbooks" / f"{playbook}.yml")], vcenters[0].environment)
    return cost, max(len(one.control.methods()) for one in vcenters)


def main() -> None:
    with ExitStack() as stack:
        inner = {"clusters": {CLUSTERS[1]: 3}}
        vcenters = [stack.enter_context(bench(images=["tiny"], inventory=inner)) for _number in range(VCENTERS)]
        folder = vcenters[0].folder
        iso = make_iso(folder, "0")
        hosts = {f"vcenter{number}": _variables(one, iso) for number, one in enumerate(vcenters)}
        inventory = folder / "inventory.json"
        inventory.write_text(json.dumps({"all": {"children": {"vcenters": {"hosts": hosts}}}}))
        rows: list[tuple[str, Any]] = []
        for title in ("first run", "second run"):
            for playbook in ("site", "rollout"):
                cost, requests = _run(vcenters, inventory, playbook)
                rows += [
                    (f"{playbook}, {title}, wall seconds", cost.wall),
                    (f"{playbook}, {title}, CPU seconds", cost.cpu),
                    (f"{playbook}, {title}, MiB of the largest process", cost.memory),
                    (f"{playbook}, {title}, most requests to one vCenter", requests),
                ]
    report("rollout", rows)


if __name__ == "__main__":
    main()

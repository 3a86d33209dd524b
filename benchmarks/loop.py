# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A loop over 50 containers with nothing to do, beside the same loop with community.vmware.vmware_guest.

Both against one lab vCenter that has 500 other VMs, in turn, with Ansible's own cost of such a loop (debug) taken
beside them. The lab answers at once, which favours the side with more requests.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, cost_of, medians, report
from lab.controller import Lab
from tests.integration.support.iso import make_iso

ITEMS = 50
OTHERS = 500
RUNS = 3

_NAMES = [f"bench-{number:02}" for number in range(ITEMS)]


def _ours(info: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "gantry.vsphere.container_vm": {
            "name": "{{ item }}",
            "image": info["images"]["tiny"],
            "networks": [{"name": "VM Network"}],
            "state": "present",
        },
        "loop": _NAMES,
    }


def _peers(info: Mapping[str, Any]) -> dict[str, Any]:
    vcenter = info["vcenter"]
    return {
        "community.vmware.vmware_guest": {
            "hostname": vcenter["hostname"],
            "port": vcenter["port"],
            "username": vcenter["username"],
            "password": vcenter["password"],
            "validate_certs": False,
            "datacenter": info["datacenter"],
            "folder": f"/{info['datacenter']}/vm",
            "name": "{{ item }}",
            "state": "present",
        },
        "loop": _NAMES,
    }


def _play(folder: Path, name: str, tasks: list[dict[str, Any]]) -> list[str]:
    playbook = folder / f"{name}.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    program = str(Path(sys.executable).parent / "ansible-playbook")
    variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    return [program, "-i", "localhost,", "-e", json.dumps(variables), str(playbook)]


def _prepare(info: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> None:
    iso = make_iso(folder, "0")
    cost_of(
        _play(
            folder,
            "prepare",
            [
                {"gantry.vsphere.bootstrap_image": {"src": str(iso)}},
                {"gantry.vsphere.container_image": {"name": info["images"]["tiny"], "registry_tls_verify": False}},
                _ours(info),
            ],
        ),
        environment,
    )
    body = json.dumps({"count": OTHERS, "prefix": "idle-"}).encode()
    request = urllib.request.Request(info["control"] + "/v1/vms", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=120) as answer:
        answer.read()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
        folder = Path(directory)
        overrides = {"hypervisor": "none", "ports": "free", "publish": {}, "images": ["tiny"]}
        lab = Lab(folder / "lab", overrides, bound=True)
        info = lab.up()
        vcenter = info["vcenter"]
        # Empty: nothing of the machine's own settings takes part.
        (folder / "ansible.cfg").touch()
        environment = {
            "VMWARE_HOST": vcenter["hostname"],
            "VMWARE_PORT": str(vcenter["port"]),
            "VMWARE_USER": vcenter["username"],
            "VMWARE_PASSWORD": vcenter["password"],
            "VMWARE_CA_PATH": vcenter["ca_path"],
            "XDG_CACHE_HOME": str(folder / "cache"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        }
        try:
            _prepare(info, folder, environment)
            sides: dict[str, tuple[list[str], list[Cost]]] = {
                "ours": (_play(folder, "ours", [_ours(info)]), []),
                "vmware_guest": (_play(folder, "peers", [_peers(info)]), []),
                "debug": (
                    _play(folder, "floor", [{"ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": _NAMES}]),
                    [],
                ),
            }
            for _run in range(RUNS):
                for command, costs in sides.values():
                    costs.append(cost_of(command, environment))
        finally:
            lab.down()
    ours, peers, floor = (medians(costs) for _command, costs in sides.values())
    report(
        "loop",
        [
            ("container_vm, wall seconds", ours.wall),
            ("vmware_guest, wall seconds", peers.wall),
            ("debug, wall seconds (Ansible's own cost)", floor.wall),
            ("wall, vmware_guest / container_vm", peers.wall / ours.wall),
            ("CPU, vmware_guest / container_vm", peers.cpu / ours.cpu),
        ],
    )


if __name__ == "__main__":
    main()

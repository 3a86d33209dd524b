# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example docs/examples/private-cloud, run as its README says against the lab's two vCenters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from devkit.console import ROOT
from tests.support.lab.cloud import unexpected
from tests.support.lab.inventory_dump import differences, dump_vcenter
from tests.support.lab.playbook import PROGRAM, ansible_environment

EXAMPLE = ROOT / "docs" / "examples" / "private-cloud"


def site(vcenter: Mapping[str, Any], image: str, cluster: str, hosts: Sequence[str], datastore: str) -> dict[str, Any]:
    """Return the host variables of a site whose vCenter is one of the lab's."""
    return {
        "private_cloud_hostname": vcenter["hostname"],
        "private_cloud_port": vcenter["port"],
        "private_cloud_ca_path": vcenter["ca_path"],
        "private_cloud_username": vcenter["username"],
        "private_cloud_registry_tls_verify": False,
        "private_cloud_images": [{"name": image, "cluster": cluster, "datastores": [datastore]}],
        "site_cluster": cluster,
        "site_datastore": datastore,
        "site_licensed_hosts": hosts[:1],
        "site_shop_memory": "256M",
    }


@pytest.fixture
def vcenters(lab: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"berlin": lab["vcenter"], "lyon": lab["second"]["vcenter"]}


class Example:
    """A copy of the example, with the names of the lab's vCenters written into it."""

    def __init__(self, folder: Path, environment: Mapping[str, str], iso: Path) -> None:
        self.folder, self.environment, self.iso = folder, environment, iso

    def run(self, playbook: str, *arguments: str) -> set[str]:
        """Run a playbook and return the hosts in its recap."""
        process = subprocess.run(
            [PROGRAM, f"gantry.vsphere.{playbook}", "-e", f"bootstrap_iso={self.iso}", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert process.returncode == 0, process.stdout
        return set(re.findall(r"^(\w+) +: ok=", process.stdout, re.MULTILINE))


@pytest.fixture
def example(home: Path, tmp_path: Path, lab: dict[str, Any], vcenters: dict[str, dict[str, Any]], iso: Path) -> Example:
    folder = tmp_path / "private-cloud"
    shutil.copytree(EXAMPLE, folder)
    image, second = lab["images"]["tiny"], lab["second"]
    sites = {
        "berlin": site(vcenters["berlin"], image, "C0", lab["clusters"]["C0"], lab["datastore"]),
        "lyon": site(vcenters["lyon"], image, second["cluster"], second["hosts"], second["datastore"]),
    }
    for name, variables in sites.items():
        written = folder / "inventory" / "host_vars" / f"{name}.yml"
        assert set(yaml.safe_load(written.read_text())) <= set(variables), "what names a real site must be replaced"
        written.write_text(json.dumps(variables))
    passwords = {f"VCENTER_PASSWORD_{name.upper()}": one["password"] for name, one in vcenters.items()}
    settings = {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": None}
    return Example(folder, ansible_environment(home, passwords, settings), iso)


@pytest.mark.timeout(600)
def test_the_example_is_checked_run_repeated_and_removed(example: Example, vcenters: dict[str, dict[str, Any]]) -> None:
    found = {name: dump_vcenter(one) for name, one in vcenters.items()}
    example.run("site", "--check", "--diff")
    for name, one in vcenters.items():
        assert differences(found[name], dump_vcenter(one)) == {}
    assert example.run("site") == vcenters.keys()
    made = {name: dump_vcenter(one) for name, one in vcenters.items()}
    for name in vcenters:
        changed = differences(found[name], made[name])
        new = {identity.rpartition("/")[2] for identity, (before, _after) in changed.items() if before is None}
        assert {"shop (Folder)", "search (ResourcePool)"} <= new
    example.run("site")
    for name, one in vcenters.items():
        assert differences(made[name], dump_vcenter(one)) == {}
    assert example.run("teardown", "-e", "vcenters=lyon") == {"lyon"}
    assert differences(made["berlin"], dump_vcenter(vcenters["berlin"])) == {}
    example.run("teardown")
    for name, one in vcenters.items():
        assert unexpected(differences(found[name], dump_vcenter(one))) == {}

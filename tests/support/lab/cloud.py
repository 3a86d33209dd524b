# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the playbooks of the role private_cloud against the lab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.console import ROOT
from tests.support.lab.direct import DirectRunner
from tests.support.lab.playbook import PlaybookRunner, Run

RESULT = "Set the role's result"
# Someone to whom the lab's configuration must give an account.
USER = "ann@vsphere.local"


def cloud_variables(lab: Mapping[str, Any], iso: Path) -> dict[str, Any]:
    """Return variables of the role that use all of it, for a lab with the clusters C0 and C1."""
    hosts = lab["clusters"]
    return {
        "private_cloud_clusters": [
            {
                "name": "C0",
                "drs": {"enabled": True, "automation_level": "partially_automated", "migration_threshold": 2},
                "ha": {
                    "enabled": True,
                    "admission_control": {"policy": "cluster_resource_percentage", "host_failures_tolerated": 1},
                },
                "ruleset": {"groups": [{"name": "licensed", "type": "host", "members": hosts["C0"][:2]}]},
            },
            {"name": "C1", "drs": {"enabled": True}},
        ],
        "private_cloud_folders": [{"path": "prod/web"}, {"path": "prod"}, {"path": "test"}],
        "private_cloud_resource_pools": [
            {"path": "prod/web", "cluster": "C0", "memory": {"reservation": "512M"}},
            {"path": "prod", "cluster": "C0", "cpu": {"reservation": 1000, "shares": "high"}},
            {"path": "test", "cluster": "C1", "memory": {"limit": "2G"}},
        ],
        "private_cloud_port_groups": [
            {"name": "cloud-web", "switch": "DSwitch0", "vlan": 120, "security": {"promiscuous": False}},
            {"name": "cloud-back", "switch": "vSwitch0", "type": "standard", "cluster": "C0", "vlan": 121},
        ],
        "private_cloud_roles": [{"name": "cloud-deployer", "preset": "deployer"}],
        "private_cloud_permissions": [
            {"principal": USER, "role": "cloud-deployer", "object_type": "folder", "object": "prod/web"},
            {
                "principal": USER,
                "role": "cloud-deployer",
                "object_type": "resource_pool",
                "object": "prod/web",
                "cluster": "C0",
            },
            {"principal": USER, "role": "cloud-deployer", "object_type": "network", "object": "cloud-web"},
        ],
        "private_cloud_bootstrap": {"src": str(iso), "datastores": [lab["datastore"]]},
        "private_cloud_images": [{"name": lab["images"]["tiny"], "datastores": [lab["datastore"]], "cluster": "C0"}],
        "private_cloud_registry_tls_verify": False,
    }


def container_variables(lab: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables of the role containers, for containers in the place that ``cloud_variables`` describes."""
    return {
        "containers_project": "cloud",
        "containers_list": [{"name": "cloud-web", "image": lab["images"]["tiny"], "replicas": 1, "state": "present"}],
        "containers_defaults": {"networks": [{"name": "cloud-web"}]},
        "containers_cluster": "C0",
        "containers_datastore": lab["datastore"],
        "containers_folder": "prod/web",
        "containers_resource_pool": "prod/web",
        "containers_registry_tls_verify": False,
    }


def remove_cloud(direct: DirectRunner, variables: Mapping[str, Any]) -> None:
    """Take away all that ``cloud_variables`` describe, by the modules and without Ansible, in the order of teardown."""
    absent = {"state": "absent"}
    (image,) = variables["private_cloud_images"]
    pools = variables["private_cloud_resource_pools"]
    (datastore,) = image["datastores"]
    tasks: list[tuple[str, Mapping[str, Any]]] = [
        ("drs_ruleset", {"cluster": "C0", "groups": [{"name": "licensed", **absent}]}),
        ("container_image", {"name": image["name"], "datastore": datastore, **absent}),
        ("vm_folder", {"path": "gantry-images", "when_not_empty": "keep", **absent}),
        ("bootstrap_image", {"src": variables["private_cloud_bootstrap"]["src"], "datastore": datastore, **absent}),
        (
            "access",
            {
                kind: [{**one, **absent} for one in variables[f"private_cloud_{kind}"]]
                for kind in ("roles", "permissions")
            },
        ),
    ]
    tasks += [
        ("port_group", {key: one[key] for key in ("name", "switch", "type", "cluster") if key in one} | absent)
        for one in variables["private_cloud_port_groups"]
    ]
    tasks += [
        (
            "resource_pool",
            {"cluster": name, "pools": [{"path": one["path"]} for one in pools if one["cluster"] == name], **absent},
        )
        for name in sorted({one["cluster"] for one in pools})
    ]
    tasks.append(("vm_folder", {"paths": [one["path"] for one in variables["private_cloud_folders"]], **absent}))
    direct([{f"gantry.vsphere.{module}": options} for module, options in tasks]).ok()


def run_playbook(
    play: PlaybookRunner, name: str, variables: Mapping[str, Any], *, tags: str = "", **options: Any
) -> Run:
    """Run a playbook of the collection by its name, as a user without an inventory does."""
    arguments = ["--tags", tags] if tags else []
    playbook = ROOT / "playbooks" / f"{name}.yml"
    return play(playbook, extra_vars=variables, arguments=arguments, **options)


def cloud_result(run: Run) -> dict[str, Any]:
    """Return the role's result, of a run that did not fail."""
    result: dict[str, Any] = run.ok().task(f"gantry.vsphere.private_cloud : {RESULT}")["ansible_facts"]
    return dict(result["private_cloud_result"])


# Settings of clusters stay; admission control changes what the root pool has. vSphere removes a directory of a
# datastore only with all that is in it at that moment, so those of the bootstrap ISO stay.
_STAYS = (" (ClusterComputeResource)", "/Resources (ResourcePool)", " /gantry", " gantry/bootstrap")


def unexpected(left: Mapping[str, Any]) -> dict[str, Any]:
    """Return what teardown leaves different from what the site has found, besides what is documented to stay."""
    return {identity: values for identity, values in left.items() if not identity.endswith(_STAYS)}

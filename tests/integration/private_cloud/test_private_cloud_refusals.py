# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong in the variables of private_cloud is refused by one message, before anything is changed.

All cases are hosts of one run of the playbook, which fail independently of each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devkit.console import ROOT
from tests.support.lab.cloud import USER, cloud_variables
from tests.support.lab.control import Control
from tests.support.lab.playbook import PlaybookRunner

POOLS = "private_cloud_resource_pools"
# The name of the case, what it changes in variables that are right, and the message.
CASES: Mapping[str, tuple[dict[str, Any], str]] = {
    "misspelt_variable": ({"private_cloud_folder": [{"path": "a"}]}, r"has no variable private_cloud_folder\. Correct"),
    "misspelt_key": ({"private_cloud_folders": [{"pathh": "a"}]}, "pathh.*Supported parameters include: path"),
    "wrong_type": ({POOLS: [{"path": "a", "cpu": {"reservation": "much"}}]}, "much.*cannot be converted to an int"),
    "wrong_value": ({"private_cloud_state": "gone"}, "value of private_cloud_state must be one of: present, absent"),
    "wrong_size": (
        {POOLS: [{"path": "a", "cluster": "C0", "memory": {"limit": "many"}}]},
        r"Nothing was changed\. Manage the resource pools of clusters: memory\.limit is 'many'",
    ),
    "unknown_datacenter": ({"private_cloud_datacenter": "DC7"}, r"Nothing was changed\. .*no datacenter 'DC7'"),
    "unknown_cluster": ({"private_cloud_clusters": [{"name": "C7"}]}, r"Nothing was changed\. .*no cluster 'C7'"),
    "cluster_twice": (
        {"private_cloud_clusters": [{"name": "C0"}, {"name": "/DC0/host/C0"}]},
        r"lists a cluster more than once: its entries are /DC0/host/C0, /DC0/host/C0\.",
    ),
    "unknown_host": (
        {
            "private_cloud_clusters": [
                {"name": "C0", "ruleset": {"groups": [{"name": "g", "type": "host", "members": ["x"]}]}}
            ]
        },
        r"Nothing was changed\. Manage the DRS groups, .*groups\[0\]\.members\[0\]",
    ),
    "folder_twice": (
        {"private_cloud_folders": [{"path": "a"}, {"path": "/DC0/vm/a"}]},
        "/DC0/vm/a is listed more than once",
    ),
    "folder_without_parent": (
        {"private_cloud_folders": [{"path": "nobody/web"}]},
        "has folders in /DC0/vm/nobody, which neither exists nor is listed",
    ),
    "pool_without_parent": ({POOLS: [{"path": "nobody/web", "cluster": "C0"}]}, "has no pool 'nobody'"),
    "permission_on_nothing": (
        {
            "private_cloud_permissions": [
                {"principal": USER, "role": "Read-only", "object_type": "folder", "object": "nowhere"}
            ]
        },
        r"Nothing was changed\. Manage roles and permissions: .*'nowhere'",
    ),
    "unknown_principal": (
        {
            "private_cloud_permissions": [
                {"principal": "bob@vsphere.local", "role": "Read-only", "object_type": "folder", "object": "prod"}
            ]
        },
        "user directory has no user 'bob@vsphere.local'",
    ),
    "unknown_switch": (
        {"private_cloud_port_groups": [{"name": "a", "switch": "DSwitch7"}]},
        r"Nothing was changed\. Manage port groups: .*DSwitch7",
    ),
    "pool_too_small": (
        {
            POOLS: [
                {"path": "a", "cluster": "C0", "cpu": {"reservation": 1000, "expandable_reservation": False}},
                {"path": "a/b", "cluster": "C0", "cpu": {"reservation": 1001}},
            ]
        },
        "takes 1001 MHz more of /DC0/host/C0/Resources/a, and that has 1000 MHz left to reserve",
    ),
    "pool_without_drs": (
        {
            "private_cloud_clusters": [{"name": "C1", "drs": {"enabled": False}}],
            POOLS: [{"path": "a", "cluster": "C1"}],
        },
        "a cluster without DRS has no resource pools",
    ),
    "unknown_datastore": (
        {"private_cloud_images": [{"name": "IMAGE", "datastores": ["nowhere"], "cluster": "C0"}]},
        r"Nothing was changed\. .*no datastore 'nowhere'",
    ),
    "unknown_image": (
        {"private_cloud_images": [{"name": "IMAGE-none", "datastores": ["shared0"], "cluster": "C0"}]},
        r"Nothing was changed\. Manage the images on datastores: .*-none",
    ),
    "image_twice": (
        {"private_cloud_images": [{"name": "x", "datastores": ["a"]}, {"name": "x", "datastores": ["b", "a"]}]},
        r"lists x more than once for a datastore: its datastores are a, b, a\.",
    ),
    "no_iso": (
        {"private_cloud_bootstrap": {"src": "/nowhere.iso", "datastores": ["shared0"]}},
        r"Nothing was changed\. Manage the bootstrap ISO on datastores: .*/nowhere\.iso",
    ),
}


def test_wrong_variables_are_refused_before_anything_is_changed(
    play: PlaybookRunner, lab: dict[str, Any], calls: Control, iso: Path, tmp_path: Path
) -> None:
    right = {**cloud_variables(lab, iso), "private_cloud_images": []}
    hosts = {name: {**right, **wrong} for name, (wrong, _message) in CASES.items()}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}).replace("IMAGE", lab["images"]["tiny"]))
    run = play(ROOT / "playbooks" / "site.yml", inventory=str(inventory), extra_vars={"vcenters": "all"})
    assert calls.mutating() == [], run.output
    messages = _failures(play.home / "results.jsonl")
    assert messages.keys() == CASES.keys()
    unexpected = {
        name: messages[name]
        for name, (_wrong, message) in CASES.items()
        if re.search(message, messages[name], re.DOTALL) is None
    }
    assert unexpected == {}


def _failures(results: Path) -> dict[str, str]:
    """Return the last message of each host that failed."""
    events = [json.loads(line) for line in results.read_text().splitlines()]
    return {
        event["host"]: event["result"]["msg"] for event in events if event["status"] == "failed" and not event["item"]
    }

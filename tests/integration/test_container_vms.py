# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin container_vms against the lab's vCenter, run by ansible-inventory and ansible-playbook."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab.ansible_inventory import InventoryRunner
from tests.support.lab.containers import PREFIX, VmBuilder, building
from tests.support.lab.control import Control
from tests.support.lab.drive import drive
from tests.support.lab.playbook import PlaybookRunner
from tests.support.lab.privileges import PASSWORD, READ_ONLY, limited_user

IMAGE = "registry.example.com/app:1"
FOLDER = f"{PREFIX}jobs"
WEB, JOB = f"{PREFIX}web", f"{PREFIX}job"
# Content and login, two reads of a page each, and logout.
REQUESTS = ["RetrieveServiceContent", "Login", "RetrievePropertiesEx", "RetrievePropertiesEx", "Logout"]


def config(name: str, **changes: str) -> dict[str, str]:
    """Return the extraConfig of a container as container_vm writes it, as far as it is reported."""
    return {
        "gantry.kind": "container",
        "gantry.id": "8d0c4a52-3f7e-4a3b-9d6e-0a1b2c3d4e5f",
        "gantry.image": IMAGE,
        "gantry.image.digest": f"sha256:{'4c' * 32}",
        "gantry.labels": "{}",
        "gantry.spec": json.dumps({"version": 1, "hostname": name}),
        **changes,
    }


@pytest.fixture(scope="module")
def builder(lab: dict[str, Any]) -> Iterator[VmBuilder]:
    """Create a container that runs and has an address, one in a folder that has ended, and another VM."""
    with building(lab) as one:
        one.make_image(IMAGE, 1, {"Cmd": ["serve"]})
        one.create_folder(FOLDER)
        web = {
            "name": WEB,
            "image": IMAGE,
            "datacenter": lab["datacenter"],
            "cluster": lab["cluster"],
            "labels": {"project": "shop", "tier": "front"},
            "networks": [{"name": next(iter(lab["networks"]))}],
            "notes": "owned by the web team",
        }
        assert "failed" not in drive("container_vm", {**lab["vcenter"], **web})
        status = {"version": 1, "state": "exited", "exit_code": 3}
        labels = json.dumps({"project": "shop"})
        one.create_vm(
            JOB, config(JOB, **{"gantry.labels": labels, "guestinfo.gantry.status": json.dumps(status)}), folder=FOLDER
        )
        one.create_vm(f"{PREFIX}foreign", {})
        yield one


@pytest.fixture
def inventory(builder: VmBuilder, tmp_path: Path, reader: Mapping[str, str], calls: Control) -> InventoryRunner:
    home = tmp_path / "inventory"
    home.mkdir()
    return InventoryRunner(home, reader)


@pytest.fixture
def added(builder: VmBuilder) -> Iterator[list[str]]:
    """Collect the MoIDs of VMs that a test adds, and remove these VMs after it."""
    moids: list[str] = []
    yield moids
    for moid in moids:
        builder.destroy(moid)


@pytest.mark.smoke
def test_each_container_is_a_host_with_what_the_info_module_returns(
    lab: dict[str, Any], inventory: InventoryRunner, calls: Control
) -> None:
    returned = drive("container_vm_info", lab["vcenter"])["containers"]
    calls.forget()
    listing = inventory(
        group_by=["cluster", "datacenter", "folder", "health", "host", "image", "label", "service", "stack", "state"]
    )
    assert calls.methods() == REQUESTS
    expected = {}
    for facts in returned:
        variables = {key: value for key, value in facts.items() if key not in ("name", "bootstrap")}
        address = {"ansible_host": facts["ip_addresses"][0]} if facts["ip_addresses"] else {}
        expected[facts["name"]] = {**variables, **address}
    assert listing.hosts == expected
    assert listing.hosts[WEB]["ansible_host"]
    host = listing.hosts[WEB]["host"]
    both = [JOB, WEB]
    groups = listing.groups
    assert groups.pop(f"host_{host}".replace(".", "_").replace("-", "_")).count(WEB) == 1
    assert {name: hosts for name, hosts in groups.items() if not name.startswith("host_")} == {
        f"cluster_{lab['cluster']}": both,
        f"datacenter_{lab['datacenter']}": both,
        f"folder_{lab['datacenter']}_vm": [WEB],
        f"folder_{lab['datacenter']}_vm_ct_jobs": [JOB],
        "health_none": [WEB],
        "image_registry_example_com_app_1": both,
        "label_project_shop": both,
        "label_tier_front": [WEB],
        "state_running": [WEB],
        "state_stopped": [JOB],
    }
    assert listing.messages == ""


def test_the_role_read_only_is_enough(lab: dict[str, Any], builder: VmBuilder, inventory: InventoryRunner) -> None:
    content = builder.session.content
    with limited_user(lab, content, "reader@vsphere.local") as reader:
        assert "NoPermission" in inventory(environment=reader.environment).messages
        reader.give(READ_ONLY, content.rootFolder)
        listing = inventory(environment=reader.environment)
    assert sorted(listing.hosts) == [JOB, WEB]
    assert listing.hosts == inventory().hosts


@pytest.mark.smoke
def test_what_a_guest_reports_is_never_evaluated(
    builder: VmBuilder, inventory: InventoryRunner, play: PlaybookRunner, added: list[str], tmp_path: Path
) -> None:
    """Neither as a variable nor as the name of a host, nor by the expressions of the plugin."""
    mark = tmp_path / "evaluated"
    text = "{{ lookup('ansible.builtin.pipe', 'touch " + str(mark) + "') }}"
    status = json.dumps({"version": 1, "state": "error", "health": text, "error": {"code": text, "message": text}})
    values = {"gantry.labels": json.dumps({"evil": text}), "gantry.image": text, "guestinfo.gantry.status": status}
    moid = builder.create_vm(f"{PREFIX}evil", config(text, **values))
    added.append(moid)
    builder.rename(moid, f"{PREFIX}{{{{ 1 + 1 }}}}")
    path = inventory.write(
        filters={"labels": {"evil": text}},
        group_by=["label", "image", "health"],
        compose={"composed": "labels.evil", "nested": "{'deep': [error.message]}"},
        keyed_groups=[{"key": "labels.evil", "prefix": "keyed"}],
        strict=True,
    )
    shown = ["image", "labels.evil", "error.message", "hostname", "composed", "nested.deep[0]", "inventory_hostname"]
    run = play({"ansible.builtin.debug": {"msg": f"{{{{ [{', '.join(shown)}] }}}}"}}, inventory=str(path), way=None)
    assert run.ok().last["msg"] == [*[text] * (len(shown) - 1), f"{PREFIX}{{{{ 1 + 1 }}}}"]
    assert not mark.exists()


def test_hosts_are_constructed_as_by_other_plugins(inventory: InventoryRunner) -> None:
    listing = inventory(
        hostnames=["labels.tier ~ '-' ~ name", "name"],
        compose={"ansible_host": "'192.0.2.1'", "megabytes": "memory // 1048576"},
        groups={"ended": "status == 'exited'", "composed": "megabytes | int > 0"},
        keyed_groups=[{"key": "labels", "prefix": "of", "parent_group": "labelled"}],
    )
    front = f"front-{WEB}"
    assert sorted(listing.hosts) == sorted([front, JOB])
    assert listing.hosts[front]["ansible_host"] == "192.0.2.1"
    assert listing.groups == {
        "composed": sorted([front, JOB]),
        "ended": [JOB],
        "of_project_shop": sorted([front, JOB]),
        "of_tier_front": [front],
    }
    assert sorted(listing.document["labelled"]["children"]) == ["of_project_shop", "of_tier_front"]


def test_filters_select_hosts(lab: dict[str, Any], inventory: InventoryRunner) -> None:
    """All cases in one run: each has a file of its own, whose hosts are named after it."""
    host = drive("container_vm_info", {**lab["vcenter"], "name": [WEB]})["containers"][0]["host"]
    others = [name for name in lab["hosts"] if name != host]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"name": [WEB, "nothing"]}, [WEB]),
        ({"names": [JOB], "labels": {"project": "shop"}}, [JOB]),
        ({"labels": {"project": "other"}}, []),
        ({"folder": FOLDER}, [JOB]),
        ({"state": ["running"], "health": ["healthy", "none"]}, [WEB]),
        ({"datacenter": lab["datacenter"], "cluster": [lab["cluster"]], "host": [host.upper()], "name": [WEB]}, [WEB]),
        ({"host": others, "name": [WEB]}, []),
    ]
    files = [
        inventory.write(f"{number}.container_vms.yml", filters=filters, hostnames=[f"'{number}-' ~ name"])
        for number, (filters, _names) in enumerate(cases)
    ]
    listing = inventory.list(files)
    assert sorted(listing.hosts) == sorted(f"{n}-{name}" for n, (_filters, names) in enumerate(cases) for name in names)
    assert listing.messages == ""


def test_a_bad_file_is_refused_in_words(inventory: InventoryRunner) -> None:
    """All cases in one run, in which Ansible warns of each file that it cannot use."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"filter": {}}, "gantry.vsphere.container_vms has no option filter. Did you mean filters?"),
        ({"filters": {"label": {"a": "b"}}}, "filters.label. Supported parameters include: cluster,"),
        ({"filters": {"state": ["on"]}}, "value of state must be one or more of: running, stopped, suspended"),
        ({"filters": {"cluster": ["nowhere"]}}, "cluster 'nowhere'"),
        ({"filters": {"host": ["nowhere"]}}, "host 'nowhere'"),
        ({"filters": {"folder": "nowhere"}}, "folder 'nowhere'"),
        ({"group_by": ["rack"]}, "rack"),
        ({"hostnames": ["labels.nothing"]}, "No expression in hostnames gives a name for the container"),
        ({"hostnames": ["image"]}, f"Several containers have the same host name: {IMAGE} of /"),
        ({"password": "wrong"}, "does not accept user"),
        ({"port": 1}, "the connection was refused"),
        ({"strict": True, "compose": {"x": "nothing.more"}}, "Could not set x for host"),
    ]
    files = [inventory.write(f"{n}.container_vms.yml", **options) for n, (options, _message) in enumerate(cases)]
    listing = inventory.list(files)
    for number, (options, message) in enumerate(cases):
        assert message in listing.messages, (options, listing.messages)
        assert f"{number}.container_vms.yml as an inventory source" in listing.messages
    assert "Traceback" not in listing.messages
    failed = inventory.list(files[:1], environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1"})
    assert failed.code != 0
    assert "has no option filter" in failed.messages


def test_what_is_missing_of_the_connection_is_named_with_its_variable(inventory: InventoryRunner) -> None:
    listing = inventory(environment={"VMWARE_HOST": None, "VMWARE_PASSWORD": None})
    assert "requires hostname or VMWARE_HOST, password or VMWARE_PASSWORD. Set the option" in listing.messages
    assert "Traceback" not in listing.messages


def test_a_file_of_another_name_is_not_read_and_a_warning_says_why(inventory: InventoryRunner) -> None:
    wrong, right = inventory.write("vcenter.yml"), inventory.write("container_vms.yaml", filters={"name": [WEB]})
    listing = inventory.list([wrong, right])
    assert "must have a name that ends with container_vms.yml or container_vms.yaml" in listing.messages
    assert list(listing.hosts) == [WEB]


def test_two_containers_of_one_name_are_refused_until_hostnames_tells_them_apart(
    builder: VmBuilder, inventory: InventoryRunner, added: list[str]
) -> None:
    added.append(builder.create_vm(JOB, config(JOB)))
    refused = inventory()
    assert refused.hosts == {}
    assert f"{JOB} of " in refused.messages
    assert f"/vm/{FOLDER}/{JOB}" in refused.messages
    assert len(inventory(hostnames=["path"]).hosts) == 3


def test_a_container_with_the_name_of_a_group_sets_no_variables_of_others(
    builder: VmBuilder, inventory: InventoryRunner, added: list[str]
) -> None:
    added += [builder.create_vm(name, config(name)) for name in ("all", "state_running")]
    listing = inventory(group_by=["state"])
    assert sorted(listing.hosts) == [JOB, WEB]
    assert "all is the name of a group" in listing.messages
    assert "state_running is the name of a group" in listing.messages
    assert listing.groups == {"state_running": [WEB], "state_stopped": [JOB]}


def test_a_cached_inventory_is_the_live_one_and_makes_no_request(
    lab: dict[str, Any], inventory: InventoryRunner, play: PlaybookRunner, calls: Control
) -> None:
    cache = inventory.home / "inventory-cache"
    options = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(cache),
        "group_by": ["label", "health"],
        "username": lab["vcenter"]["username"],
        "password": lab["vcenter"]["password"],
    }
    live = inventory(**options)
    assert calls.methods() == REQUESTS
    cached = inventory(**options)
    assert calls.methods() == REQUESTS
    assert cached.document == live.document
    assert sorted(live.hosts) == [JOB, WEB]
    assert all(lab["vcenter"]["password"] not in file.read_text() for file in cache.iterdir())
    assert len(list(cache.iterdir())) == 1

    # ansible-inventory has this option from ansible-core 2.17 on.
    path = str(inventory.write(**options))
    shown = play({"ansible.builtin.debug": {"var": "path"}}, way=None, inventory=path, arguments=["--flush-cache"]).ok()
    assert sorted(outcome["path"] for outcome in shown.outcomes) == sorted(
        live.hosts[one]["path"] for one in live.hosts
    )
    assert calls.methods() == REQUESTS * 2
    # Another selection is another source, although it is the same file.
    assert sorted(inventory(**options, filters={"name": [WEB]}).hosts) == [WEB]
    assert calls.methods() == REQUESTS * 3


def test_the_connection_may_be_looked_up_by_the_file(inventory: InventoryRunner) -> None:
    looked_up = {"SECRET": PASSWORD, "VMWARE_PASSWORD": None}
    files = [
        inventory.write(
            f"{option}.container_vms.yml",
            hostnames=[f"'{option}-' ~ name"],
            filters={"name": [WEB]},
            **{option: "{{ lookup('ansible.builtin.env', 'SECRET') }}"},
        )
        for option in ("password", "pwd")
    ]
    listing = inventory.list(files, environment=looked_up)
    assert sorted(listing.hosts) == [f"password-{WEB}", f"pwd-{WEB}"], listing.messages

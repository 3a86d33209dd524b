# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test files and secrets with the lab's vCenter and its guests, which wait for them as the bootstrap does."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from pyVmomi import vim, vmodl

from ansible_collections.gantry.vsphere.plugins.module_utils._guest.guest_key import GuestKey
from ansible_collections.gantry.vsphere.plugins.module_utils._guest.packing import unpack
from tests.support.lab.containers import IMAGE, PREFIX, VmBuilder
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.hidden import found_in
from tests.support.lab.playbook import WAYS, PlaybookRunner

VM = "gantry.vsphere.container_vm"
SET = "gantry.vsphere.container_set"
NAME = f"{PREFIX}files"
KEY = "integration-key-1"
SEND = "StartProgramInGuest"
ROLE = "gantry.vsphere.containers"
BUDGET = 10
VAULT_PASSWORD = "a-password-of-a-vault"


@pytest.fixture
def options(builder: VmBuilder, lab: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the options of a container with a file and a secret."""
    yield {
        "name": NAME,
        "image": IMAGE,
        "datacenter": lab["datacenter"],
        "cluster": lab["cluster"],
        "guest_operations": True,
        "guest_key": KEY,
        "files": [{"target": "/etc/app.conf", "content": "debug = false\n", "mode": "0640"}],
        "secrets": [{"name": "db", "content": "first-password"}],
    }
    builder.clear()


def status(builder: VmBuilder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(builder.vm(NAME).config["guestinfo.gantry.status"])
    return found


@pytest.mark.parametrize("way", WAYS)
def test_files_are_sent_once_and_again_after_a_change(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control, way: Any
) -> None:
    calls.forget()
    created = direct({VM: options}, way=way).ok().last
    assert calls.methods().count(SEND) == 1
    assert created["container"]["status"] == "running"
    assert builder.vm(NAME).spec["files"]["entries"][0] == {
        "target": "/etc/app.conf",
        "owner": "",
        "group": "",
        "mode": "0640",
    }
    # Nothing to do, and a restart without the files: they are on the container's disk.
    calls.forget()
    assert not direct({VM: options}, way=way).ok().last.changed
    assert len(calls.methods()) <= BUDGET
    direct([{VM: {"name": NAME, "state": "stopped"}}, {VM: {"name": NAME, "state": "started"}}], way=way).ok()
    assert SEND not in calls.methods()
    # Another secret: check mode and the diff say so, without a value, and nothing is sent in check mode.
    changed = {**options, "secrets": [{"name": "db", "content": "second-password"}]}
    predicted = direct({VM: changed}, way=way, check=True, diff=True).ok().last
    assert SEND not in calls.methods()
    done = direct({VM: changed}, way=way, diff=True).ok().last
    assert done["actions"] == predicted["actions"] == [f"stop {NAME}", f"reconfigure {NAME}: secrets", f"start {NAME}"]
    assert predicted["diff"] == done["diff"]
    assert "digest" in json.dumps(done["diff"])
    assert "password" not in json.dumps(done["diff"])
    assert calls.methods().count(SEND) == 1
    assert not direct({VM: changed}, way=way).ok().last.changed


@pytest.mark.parametrize("way", WAYS)
def test_contents_with_a_signal_are_replaced_while_the_container_runs(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control, way: Any
) -> None:
    first, other = ({"name": "db", "content": content, "signal": "HUP"} for content in ("first-one", "other-one"))
    created = direct({VM: {**options, "secrets": [first]}}, way=way).ok().last.result
    before = status(builder)["files"]["sha256"]
    changed = {**options, "secrets": [other]}
    calls.forget()
    predicted = direct({VM: changed}, way=way, check=True, diff=True).ok().last.result
    assert calls.mutating() == []
    # The delivery is lost after the document has changed, and the next run makes it.
    calls.fault(SEND, "SystemError")
    assert direct({VM: changed, "ignore_errors": True}, way=way).last.failed
    assert (status(builder)["files"]["sha256"], builder.vm(NAME).spec["revision"]) == (before, 1)
    done = direct({VM: changed}, way=way, diff=True).ok().last.result
    assert predicted["actions"] == [f"reconfigure {NAME}: secrets", f"replace files in {NAME}"]
    assert done["actions"] == predicted["actions"][1:]
    assert [one["effect"] for one in (*predicted["effects"], *done["effects"])] == ["in place"] * 2
    announced = builder.vm(NAME).spec["files"]
    assert announced["signals"] == ["SIGHUP"]
    assert done["diff"]["before"] == {NAME: {"contents": before}}
    assert done["diff"]["after"] == {NAME: {"contents": announced["sha256"]}}
    assert predicted["diff"]["after"][NAME]["contents"] == announced["sha256"]
    assert "-one" not in json.dumps([predicted, done])
    assert status(builder)["files"] == {"sha256": announced["sha256"], "wanted": None, "error": None}
    assert done["container"]["started_at"] == created["container"]["started_at"]
    calls.forget()
    assert not direct({VM: changed}, way=way).ok().last.changed
    assert calls.mutating() == []


def test_an_interrupted_delivery_is_made_by_the_next_run_and_by_no_task_without_the_files(
    options: dict[str, Any], builder: VmBuilder, direct: DirectRunner, calls: Control
) -> None:
    # The second of several parts is lost.
    large = {**options, "secrets": [{"name": "large", "content": "x" * 100_000}]}
    calls.fault(SEND, "SystemError", skip=1)
    failed = direct({VM: large, "ignore_errors": True}).last
    assert failed.failed
    assert status(builder)["waiting_for"] == "files"
    helpless = direct({VM: {"name": NAME, "state": "started"}, "ignore_errors": True}).last
    assert "Run the task that gives them with files and secrets" in helpless.msg
    done = direct({VM: large}).ok().last
    assert done["actions"] == [f"wait until {NAME} is running"]
    assert (status(builder)["state"], status(builder)["waiting_for"]) == ("running", None)
    assert not direct({VM: large}).ok().last.changed


def test_files_are_sent_when_the_guest_operations_become_available(
    options: dict[str, Any], direct: DirectRunner, calls: Control
) -> None:
    calls.fault(SEND, "GuestOperationsUnavailable")
    direct({VM: {**options, "wait": False}}).ok()
    assert calls.methods().count(SEND) == 2


PLANTED = {
    name: f"planted-{name}-0a9d8f7e6c5b4a39"
    for name in ("inline", "controller", "changed", "file", "tree", "set", "default", "refused")
}


def planted_tasks(lab: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return tasks that give a secret in each way, in Ansible's worker and as modules, and one that fails."""
    vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
    (folder / "key.txt").write_bytes(vault.encrypt(PLANTED["controller"]))
    (folder / "web.env").write_bytes(vault.encrypt("FROM_FILE=yes\nFILLER=overridden\n"))
    (folder / "vault_password").write_text(VAULT_PASSWORD)
    (folder / "site" / "sub").mkdir(parents=True)
    (folder / "site" / "sub" / "page").write_text(PLANTED["tree"])
    place = {"datacenter": lab["datacenter"], "cluster": lab["cluster"]}
    one = {
        "name": NAME,
        "image": IMAGE,
        "guest_operations": True,
        "guest_key": KEY,
        **place,
        "env_file": str(folder / "web.env"),
        # Large enough to be compressed in extraConfig.
        "env": {"FILLER": "".join(f"{number:x}" for number in range(20_000))},
        "files": [
            {"target": "/etc/app.conf", "content": PLANTED["file"]},
            {"target": "/srv/www", "src": str(folder / "site")},
        ],
    }
    secrets = [{"name": "inline", "content": PLANTED["inline"]}, {"name": "key", "src": str(folder / "key.txt")}]
    entry = {"name": f"{PREFIX}set", "image": IMAGE, "secrets": [{"name": "db", "content": PLANTED["set"]}]}
    several = {
        "project": f"{PREFIX}project",
        "guest_key": KEY,
        **place,
        "defaults": {"guest_operations": True, "files": [{"target": "/a", "content": PLANTED["default"]}]},
        "containers": [entry],
    }
    wrong = {**one, "secrets": [{"name": "a/b", "content": PLANTED["refused"]}]}
    as_module = {"vars": {"gantry_run_as_module": True}}
    variables = {
        "containers_project": several["project"],
        "containers_guest_key": KEY,
        "containers_cluster": lab["cluster"],
        "containers_image_pull": "never",
        "containers_defaults": several["defaults"],
        "containers_list": several["containers"],
    }
    return [
        {VM: {**one, "secrets": secrets}},
        {VM: {**one, "secrets": [{"name": "inline", "content": PLANTED["changed"]}, secrets[1]]}, **as_module},
        {"ansible.builtin.include_role": {"name": ROLE}, "vars": variables},
        {SET: several, **as_module},
        {VM: wrong, "ignore_errors": True},
        {VM: wrong, "ignore_errors": True, **as_module},
    ]


def everything_in_vcenter(builder: VmBuilder, lab: dict[str, Any]) -> bytes:
    """Return all properties of all VMs, all events and tasks, and the names of all files, as texts."""
    content = builder.session.content
    collector = vmodl.query.PropertyCollector
    vms = builder.session.inventory(vms=True, refresh=True).vms()
    wanted = collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=vm.ref) for vm in vms],
        propSet=[collector.PropertySpec(type=vim.VirtualMachine, all=True)],
    )
    texts = [str(content.propertyCollector.RetrieveContents([wanted]))]
    texts.append(str(content.eventManager.QueryEvents(vim.event.EventFilterSpec())))
    texts += [str(task.info) for task in content.taskManager.recentTask]
    datastore = builder.session.inventory().datastore(lab["datastore"]).ref
    search = vim.host.DatastoreBrowser.SearchSpec(matchPattern=["*"])
    listing = builder.task(
        "list", lambda: datastore.browser.SearchDatastoreSubFolders_Task(f"[{lab['datastore']}]", search)
    )
    texts.append(str(listing))
    return "\n".join(texts).encode()


def test_no_content_is_anywhere_in_vcenter_or_in_the_output(
    builder: VmBuilder, lab: dict[str, Any], play: PlaybookRunner, calls: Control, tmp_path: Path
) -> None:
    tasks = planted_tasks(lab, tmp_path)
    calls.forget()
    with_vault = ["--vault-password-file", str(tmp_path / "vault_password")]
    run = play(tasks, way=None, diff=True, verbosity=4, arguments=with_vault)
    assert [outcome.status for outcome in run.ok().outcomes[-3:]] == ["ok", "failed", "failed"]
    assert [outcome.changed for outcome in (*run.outcomes[:2], run.outcomes[-3])] == [True, True, False]
    assert calls.methods().count(SEND) == 3
    config = builder.vm(NAME).config
    recorded = {key: json.loads(unpack(config[key]) or "") for key in ("gantry.spec", "gantry.config")}
    assert len(recorded["gantry.spec"]["files"]["entries"]) == 4
    assert "FROM_FILE=yes" in recorded["gantry.spec"]["process"]["env"]
    assert "FILLER=overridden" not in recorded["gantry.spec"]["process"]["env"]
    vcenter = everything_in_vcenter(builder, lab)
    output = (run.output + (play.home / "results.jsonl").read_text()).encode()
    for place in (vcenter, output, json.dumps(calls.all()).encode()):
        assert found_in(place, [*PLANTED.values(), KEY]) == set()
    # The file of the controller was sent as it is without its encryption.
    assert (tmp_path / "key.txt").read_bytes().startswith(b"$ANSIBLE_VAULT")
    decrypted = GuestKey(KEY).digest(b"file", NAME.encode(), b"/run/secrets/key", PLANTED["controller"].encode())
    assert recorded["gantry.config"]["secrets"][1]["digest"] == decrypted
    # The search finds what is there: a digest, which is plain in the output and compressed in vCenter.
    digest = recorded["gantry.config"]["secrets"][0]["digest"]
    assert b"gzip+base64:" in vcenter
    assert digest.encode() not in vcenter
    assert found_in(vcenter, [digest, NAME]) == {digest, NAME}
    assert found_in(output, [digest]) == {digest}


def test_the_search_finds_a_text_in_every_form() -> None:
    for text in ("planted-abc", "planted-abcd", "planted-abcde"):
        for before in ("", "x", "xy"):
            encoded = base64.b64encode(f"{before}{text}".encode())
            packed = base64.b64encode(gzip.compress(b"{'a': '" + encoded + b"'}"))
            for form in (text.encode(), encoded, b"(" + packed + b")", b"\0" + gzip.compress(text.encode())):
                assert found_in(b"what is before " + form + b" and after", [text, "other"]) == {text}

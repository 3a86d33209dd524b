# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the life cycle of the lab: up, up again, a crash, down, a failed start. Without a hypervisor and images."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVim.connect import SmartConnect
from pyVmomi import vim

from devkit.console import ROOT
from lab.controller import Lab
from lab.errors import LabError
from lab.processes import ProcessRecord

SMALL: dict[str, Any] = {"hypervisor": "none", "ports": "free", "images": [], "publish": {}}


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path / "state", SMALL, bound=True)
    yield lab
    lab.down()


def _answers(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def _addresses(info: dict[str, Any]) -> list[str]:
    return [f"{info['vcenter']['hostname']}:{info['vcenter']['port']}", info["control"], info["registry"]]


def _wait_for_end(records: list[ProcessRecord]) -> None:
    deadline = time.monotonic() + 30
    while any(record.alive() for record in records):
        assert time.monotonic() < deadline, records
        time.sleep(0.02)


def test_up_writes_the_addresses_for_the_owner_only(one: Lab) -> None:
    info = one.up()
    assert all(_answers(address) for address in _addresses(info))
    assert json.loads(one.state.lab_json.read_text()) == info
    assert (info["accelerator"], info["bootstrap_iso"], len(info["hosts"])) == ("none", None, 3)
    for path in (one.state.lab_json, one.state.env, one.state.directory / "vcenter.json"):
        assert path.stat().st_mode & 0o777 == 0o600, path
    shell = subprocess.run(
        [
            "bash",
            "-c",
            f". {one.state.env}; echo $VMWARE_HOST $VMWARE_PORT $VMWARE_USER $VMWARE_PASSWORD $VMWARE_CA_PATH",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    vcenter = info["vcenter"]
    wanted = [vcenter[key] for key in ("hostname", "port", "username", "password", "ca_path")]
    assert shell.stdout.split() == [str(value) for value in wanted]


def test_up_twice_is_up_once(one: Lab) -> None:
    info = one.up()
    assert Lab(one.state.directory, SMALL).up() == info
    assert one.status().state == "up"


def test_down_leaves_nothing_and_can_be_repeated(one: Lab) -> None:
    info = one.up()
    records = list(one.state.records().values())
    assert len(records) == 2
    assert one.down() is True
    assert not any(record.alive() for record in records)
    assert not any(_answers(address) for address in _addresses(info))
    left = {path.name for path in one.state.directory.iterdir()}
    assert not left & {"lab.json", "env", "vcenter.json", "processes", "datastores", "machines"}
    assert one.down() is False
    assert one.status().state == "down"


@pytest.mark.parametrize("victim", ["vcenter", "registry"])
def test_a_crashed_lab_is_cleaned_up_by_the_next_up(victim: str, one: Lab) -> None:
    one.up()
    before = one.state.records()
    os.kill(before[victim].pid, signal.SIGKILL)
    _wait_for_end([before[victim]])
    assert one.status().state == "broken"
    info = one.up()
    assert not any(record.alive() for record in before.values())
    assert all(_answers(address) for address in _addresses(info))


def test_a_lab_that_was_only_partly_up_is_cleaned_up(one: Lab) -> None:
    one.up()
    before = one.state.records()
    one.state.lab_json.unlink()  # as if the controller had been killed before it wrote it
    assert one.status().state == "broken"
    assert one.down() is True
    assert not any(record.alive() for record in before.values())


def test_labs_in_two_state_directories_are_independent(one: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other", SMALL, bound=True)
    try:
        first, second = one.up(), other.up()
        assert not set(_addresses(first)) & set(_addresses(second))
        other.down()
        assert all(_answers(address) for address in _addresses(first))
    finally:
        other.down()


def test_a_failed_start_reports_the_reason_and_leaves_nothing_running(one: Lab) -> None:
    one.state.create()
    for name in ("ca.pem", "vcenter.pem", "vcenter-key.pem", "vcenter-incomplete.pem"):
        (one.state.directory / name).write_text("no certificate\n")
    with pytest.raises(LabError) as error:
        one.up()
    assert "ended with exit code 1" in str(error.value)
    assert f"certificate in {one.state.directory}" in str(error.value)
    assert one.status().state == "down"
    assert not one.state.processes.exists()


def test_an_image_without_a_recipe_is_reported_before_anything_starts(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "state", {**SMALL, "images": ["tiny", "mysql"]})
    with pytest.raises(LabError) as error:
        lab.up()
    assert "there is no recipe for mysql" in str(error.value)
    assert lab.status().state == "down"


def test_a_bound_lab_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import json, os, pathlib, signal, sys; from lab.controller import Lab;"
        "Lab(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), bound=True).up(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), json.dumps(SMALL)]
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    records = list(Lab(tmp_path, SMALL).state.records().values())
    assert len(records) == 2
    _wait_for_end(records)


def test_the_command_line_says_by_its_exit_code_whether_the_lab_is_up(tmp_path: Path) -> None:
    configuration = tmp_path / "lab.toml"
    configuration.write_text('hypervisor = "none"\nports = "free"\nimages = []\n')
    environment = {
        **os.environ,
        "GANTRY_LAB_STATE": str(tmp_path / "state"),
        "GANTRY_LAB_CONFIG": str(configuration),
    }

    def lab(command: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "lab", command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert lab("status")[0] == 3
    try:
        code, said = lab("up")
        assert code == 0, said
        assert str(tmp_path / "state" / "lab.json") in said
        assert json.loads((tmp_path / "state" / "lab.json").read_text())["vcenter"]["password"] not in said
        code, said = lab("status")
        assert code == 0
        assert "registry" in said
        assert "already up" in lab("up")[1]
    finally:
        assert lab("down") == (0, "The lab is down.\n")
    assert lab("down") == (0, "The lab was not up.\n")
    assert lab("status")[0] == 3


def test_a_lab_of_several_clusters_reports_which_hosts_see_which_datastores(tmp_path: Path) -> None:
    shape = {
        "inventory": {
            "hosts": 2,
            "clusters": {"C1": 1},
            "shared_datastores": ["shared1"],
            "local_datastores": True,
            "datastore_cluster": "POD0",
            "distributed_switches": {},
            "partial_networks": {"Partial": 1},
        },
        "networks": {"VM Network": "10.77.0.0/20", "Partial": "10.78.0.0/20"},
    }
    lab = Lab(tmp_path / "state", {**SMALL, **shape}, bound=True)
    try:
        info = lab.up()
        content = _session(info).content
        assert info["clusters"] == {"C0": ["esx1", "esx2"], "C1": ["esx3"]} == _clusters(content)
        assert info["datastores"] == {
            "shared0": ["esx1", "esx2", "esx3"],
            "shared1": ["esx1", "esx2", "esx3"],
            "local-esx1": ["esx1"],
            "local-esx2": ["esx2"],
            "local-esx3": ["esx3"],
        }
        found = {store.name: store for store in _all(content, vim.Datastore)}
        assert {name: [mount.key.name for mount in store.host] for name, store in found.items()} == info["datastores"]
        shared = {name for name, store in found.items() if store.summary.multipleHostAccess}
        assert shared == {"shared0", "shared1"}
        (pod,) = _all(content, vim.StoragePod)
        assert (pod.name, {store.name for store in pod.childEntity}) == ("POD0", shared)
        assert pod.summary.capacity == sum(found[name].summary.capacity for name in shared)
        networks = {network.name: [host.name for host in network.host] for network in _all(content, vim.Network)}
        assert networks == {"VM Network": ["esx1", "esx2", "esx3"], "Partial": ["esx1"]}
    finally:
        lab.down()


def test_a_second_vcenter_is_independent(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "state", {**SMALL, "second": {"enabled": True}}, bound=True)
    try:
        info = lab.up()
        second = info["second"]
        assert (second["datacenter"], second["cluster"], second["datastore"]) == ("DC1", "R0", "remote0")
        contents = [_session(one).content for one in (info, second)]
        assert [_clusters(content) for content in contents] == [{"C0": info["hosts"]}, {"R0": second["hosts"]}]
        assert contents[0].about.instanceUuid != contents[1].about.instanceUuid
        for one in (info, second):
            address = (one["vcenter"]["hostname"], one["vcenter"]["port"])
            der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address, ca_certs=one["vcenter"]["ca_path"]))
            for name, kind in (("thumbprint", "sha256"), ("thumbprint_sha1", "sha1")):
                assert one[name].replace(":", "").lower() == hashlib.new(kind, der).hexdigest()
            assert _answers(one["control"])
    finally:
        lab.down()
    assert not (lab.state.directory / "second").exists()


def _session(info: dict[str, Any]) -> Any:
    vcenter = info["vcenter"]
    context = ssl.create_default_context(cafile=vcenter["ca_path"])
    access = {"host": vcenter["hostname"], "port": vcenter["port"], "user": vcenter["username"]}
    return SmartConnect(**access, pwd=vcenter["password"], sslContext=context)


def _all(content: Any, kind: Any) -> list[Any]:
    return list(content.viewManager.CreateContainerView(content.rootFolder, [kind], True).view)


def _clusters(content: Any) -> dict[str, list[str]]:
    clusters = _all(content, vim.ClusterComputeResource)
    return {cluster.name: [host.name for host in cluster.host] for cluster in clusters}

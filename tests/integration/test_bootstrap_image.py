# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test bootstrap_image with the lab's vCenter and a small ISO that has the descriptors of a real one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import background
from tests.support.lab.control import Control
from tests.support.lab.direct import DirectRunner
from tests.support.lab.drive import drive
from tests.support.lab.images import BOOTSTRAP_FOLDER, Store
from tests.support.lab.iso import make_iso
from tests.support.lab.playbook import Way

MODULE = "gantry.vsphere.bootstrap_image"


@pytest.fixture(scope="session")
def iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_iso(tmp_path_factory.mktemp("iso"), "9.9.1")


@pytest.fixture
def name(iso: Path) -> str:
    return f"gantry-bootstrap-9.9.1-{hashlib.sha256(iso.read_bytes()).hexdigest()[:12]}.iso"


@pytest.fixture
def stored(store: Store, lab: dict[str, Any]) -> Callable[[], dict[str, int]]:
    """Return a function that lists the files on the datastore: sizes by name."""
    return lambda: store.files(lab["datastore"], BOOTSTRAP_FOLDER)


@pytest.fixture
def task(iso: Path) -> Callable[..., dict[str, Any]]:
    return lambda **more: {MODULE: {"src": str(iso), **more}}


@pytest.fixture
def run(
    iso: Path, lab: dict[str, Any], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Return a function that runs the module without Ansible; a failure is an error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def once(**options: Any) -> dict[str, Any]:
        result = drive("bootstrap_image", {**lab["vcenter"], "src": str(iso), **options})
        assert not result.get("failed"), result
        return result

    return once


def test_the_iso_is_uploaded_once(
    direct: DirectRunner,
    way: Way,
    task: Callable[..., dict[str, Any]],
    stored: Callable[[], dict[str, int]],
    calls: Control,
    iso: Path,
    name: str,
    lab: dict[str, Any],
) -> None:
    outcome = direct(task(), way=way).ok().last
    path = f"[{lab['datastore']}] gantry/bootstrap/{name}"
    assert outcome.changed
    assert outcome["bootstrap"] == {
        "path": path,
        "datastore": lab["datastore"],
        "version": "9.9.1",
        "sha256": hashlib.sha256(iso.read_bytes()).hexdigest(),
        "size": iso.stat().st_size,
    }
    assert outcome["actions"] == [f"upload {path}"]
    assert stored() == {name: iso.stat().st_size}
    calls.reset()
    second = direct(task(), way=way).ok().last
    assert not second.changed
    assert second["bootstrap"] == outcome["bootstrap"]
    assert calls.mutating() == []


def test_the_stored_file_has_the_content_of_the_iso(
    run: Callable[..., dict[str, Any]], store: Store, iso: Path, name: str, lab: dict[str, Any]
) -> None:
    run()
    datastore = store.session.inventory(refresh=True).datastore(lab["datastore"])
    path = f"{BOOTSTRAP_FOLDER}/{name}"
    assert store.session.download_file(datastore=datastore, path=path, max_bytes=1 << 24) == iso.read_bytes()


def test_check_mode_predicts_and_changes_nothing(
    direct: DirectRunner,
    way: Way,
    task: Callable[..., dict[str, Any]],
    stored: Callable[[], dict[str, int]],
    calls: Control,
) -> None:
    predicted = direct(task(), way=way, check=True, diff=True).ok().last
    assert predicted.changed
    assert calls.mutating() == []
    assert stored() == {}
    made = direct(task(), way=way, diff=True).ok().last
    for key in ("bootstrap", "actions", "diff"):
        assert predicted[key] == made[key]
    gone = direct(task(state="absent"), way=way, check=True).ok().last
    assert gone.changed
    assert gone["bootstrap"] is None
    assert len(stored()) == 1


def test_a_short_file_is_replaced(
    run: Callable[..., dict[str, Any]],
    store: Store,
    stored: Callable[[], dict[str, int]],
    iso: Path,
    name: str,
    lab: dict[str, Any],
    tmp_path: Path,
) -> None:
    run()
    short = tmp_path / "short"
    short.write_bytes(iso.read_bytes()[:5000])
    datastore = store.session.inventory(refresh=True).datastore(lab["datastore"])
    store.session.upload_file(short, datastore=datastore, path=f"{BOOTSTRAP_FOLDER}/{name}")
    assert stored() == {name: 5000}
    result = run()
    assert result["changed"]
    assert "damaged" in result["actions"][0]
    assert stored() == {name: iso.stat().st_size}


def test_a_container_does_not_boot_from_a_truncated_iso(
    store: Store, iso: Path, lab: dict[str, Any], tmp_path: Path
) -> None:
    """Check it with the newest file being another client's interrupted upload under a valid name."""
    images = {
        **lab["vcenter"],
        "name": lab["images"]["tiny"],
        "registry_tls_verify": False,
        "cache_path": str(tmp_path),
    }
    assert "image" in drive("container_image", images)
    path = drive("bootstrap_image", {**lab["vcenter"], "src": str(iso)})["bootstrap"]["path"]
    cut = tmp_path / "cut.iso"
    cut.write_bytes(iso.read_bytes()[:-2048])
    datastore = store.session.inventory(refresh=True).datastore(lab["datastore"])
    newer = f"{BOOTSTRAP_FOLDER}/gantry-bootstrap-9.9.2-0123456789ab.iso"
    store.session.upload_file(cut, datastore=datastore, path=newer)
    container = {**lab["vcenter"], "name": "image-test-boot", "image": lab["images"]["tiny"], "state": "present"}
    result = drive("container_vm", container, check=True)
    assert result["container"]["bootstrap"] == path, result


@pytest.mark.parametrize("method", ["MakeDirectory", "MoveDatastoreFile_Task"])
def test_a_killed_upload_is_repeated_by_the_next_run(
    direct: DirectRunner,
    task: Callable[..., dict[str, Any]],
    stored: Callable[[], dict[str, int]],
    calls: Control,
    connection: dict[str, str],
    iso: Path,
    name: str,
    method: str,
) -> None:
    environment = {**connection, "XDG_CACHE_HOME": str(direct.home / "cache")}
    background.kill_in(method, "bootstrap_image", {"src": str(iso)}, environment, calls)
    direct(task()).ok()
    assert stored() == {name: iso.stat().st_size}
    assert not direct(task()).ok().last.changed


def test_remains_of_this_machines_upload_are_removed_and_those_of_others_are_not(
    direct: DirectRunner,
    task: Callable[..., dict[str, Any]],
    store: Store,
    stored: Callable[[], dict[str, int]],
    name: str,
    lab: dict[str, Any],
    tmp_path: Path,
) -> None:
    direct(task()).ok()
    controller = (direct.home / "cache" / "gantry" / "images" / "imports" / "controller").read_text()
    datastore = store.session.inventory(refresh=True).datastore(lab["datastore"])
    half = tmp_path / "half"
    half.write_bytes(b"half")
    ours, theirs = f"{name}.part-{controller[:8]}", f"{name}.part-zzzzzzzz"
    for part in (ours, theirs):
        store.session.upload_file(half, datastore=datastore, path=f"{BOOTSTRAP_FOLDER}/{part}")
    outcome = direct(task()).ok().last
    assert outcome["actions"] == [f"remove [{lab['datastore']}] gantry/bootstrap/{ours}"]
    assert set(stored()) == {name, theirs}


def test_two_uploads_at_once_both_succeed(
    stored: Callable[[], dict[str, int]],
    connection: dict[str, str],
    calls: Control,
    iso: Path,
    name: str,
    tmp_path: Path,
) -> None:
    calls.fault("MakeDirectory", delay_seconds=1.0, count=2)
    environments = [{**connection, "XDG_CACHE_HOME": str(tmp_path / machine)} for machine in ("a", "b")]
    with (
        background.running("bootstrap_image", {"src": str(iso)}, environments[0]) as one,
        background.running("bootstrap_image", {"src": str(iso)}, environments[1]) as two,
    ):
        results = [background.result_of(process) for process in (one, two)]
    assert [result.get("failed", False) for result in results] == [False, False], results
    assert stored() == {name: iso.stat().st_size}


def test_removal_by_file_and_by_version(
    run: Callable[..., dict[str, Any]],
    stored: Callable[[], dict[str, int]],
    name: str,
    tmp_path: Path,
) -> None:
    other = make_iso(tmp_path, "9.9.2")
    run()
    run(src=str(other))
    assert len(stored()) == 2
    assert run(src=None, version="9.9.2", state="absent")["changed"]
    assert set(stored()) == {name}
    assert run(state="absent")["changed"]
    assert stored() == {}
    assert not run(state="absent")["changed"]


def test_an_iso_in_a_drive_is_not_removed(
    direct: DirectRunner,
    both_ways: Callable[..., dict[str, Any]],
    task: Callable[..., dict[str, Any]],
    store: Store,
    calls: Control,
    lab: dict[str, Any],
) -> None:
    path = direct(task()).ok().last["bootstrap"]["path"]
    vm = store.vm_with_cd("image-test-cd", path)
    calls.reset()
    result = both_ways(task(state="absent"))
    assert result["in_use_by"] == [f"/{lab['datacenter']}/vm/image-test-cd"]
    assert calls.mutating() == []
    store.destroy(vm)
    assert direct(task(state="absent")).ok().last.changed


def test_bad_input_is_reported_and_changes_nothing(
    direct: DirectRunner, way: Way, task: Callable[..., dict[str, Any]], calls: Control, iso: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.iso"
    cut.write_bytes(iso.read_bytes()[:-1])
    wrong: list[tuple[dict[str, Any], str]] = [
        (task(src="/nowhere/b.iso"), "'/nowhere/b.iso' cannot be read"),
        (task(src="/etc/hostname"), "is not an ISO image"),
        (task(src=str(cut)), f"says {iso.stat().st_size} bytes, and the file has {iso.stat().st_size - 1}"),
        (task(version="1.2.3"), "version 9.9.1, not 1.2.3"),
        (task(datastore="shared00"), "Did you mean 'shared0'"),
        (task(datacenter="DC9"), "no datacenter 'DC9'"),
        ({MODULE: {"state": "present"}}, "the Python package gantry-vsphere-runtime, which contains the bootstrap ISO"),
        (task(checksum=f"sha256:{'0' * 64}"), f"not sha256:{'0' * 64}"),
        (task(src="https://files.example.com/b.iso"), "requires checksum"),
        (task(src="ftp://files.example.com/b.iso"), "begins with ftp://, which is not supported"),
        ({MODULE: {"state": "absent"}}, "To remove an ISO, its version is enough"),
    ]
    run = direct([{**one, "ignore_errors": True} for one, _message in wrong], way=way)
    assert len(run.outcomes) == len(wrong)
    for outcome, (one, message) in zip(run.outcomes, wrong, strict=True):
        assert outcome.failed, one
        assert message in outcome.msg, (one, outcome.msg)
    assert "Traceback" not in run.output
    assert calls.mutating() == []

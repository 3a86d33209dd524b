# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test that a release is reproducible and complete, and that it runs a container where there is no clone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from devkit.console import ROOT
from lab.connection import connection_environment
from lab.held import running_lab
from lab.images.nginx import PAGE
from tests.support.guests.containers import Containers
from tests.support.lab.direct import DirectRunner
from tools import collection, demo, environment

VERSION = collection.version()
ARCHIVE = f"gantry-vsphere-{VERSION}.tar.gz"
WHEEL = f"gantry_vsphere_runtime-{VERSION}-py3-none-any.whl"
CONTEXT = f"gantry-vsphere-ee-{VERSION}.tar.gz"
SBOM = f"gantry-vsphere-{VERSION}.cdx.json"
# What a user has besides: ansible-core and pyVmomi.
_INSTALLED = ("ansible-core", "pyvmomi")


def release(folder: Path, **variables: str) -> Path:
    command = ["bash", "-c", 'umask "$1"; shift; exec "$@"', "release", variables.pop("UMASK", "022")]
    command += [sys.executable, "-m", "tools.release", str(folder)]
    run = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return release(tmp_path_factory.mktemp("release") / "dist")


def test_two_releases_are_equal(dist: Path, tmp_path: Path) -> None:
    again = release(tmp_path / "again", UMASK="077", TZ="Asia/Tokyo", TMPDIR=str(tmp_path), PYTHONHASHSEED="7")
    names = {path.name for path in dist.iterdir()}
    assert names == {ARCHIVE, WHEEL, CONTEXT, SBOM, "SHA256SUMS"}
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        name: (dist / name).read_bytes() for name in names
    }


def test_the_checksums_are_those_of_all_files(dist: Path) -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}
    del files["SHA256SUMS"]
    lines = [f"{digest}  {name}\n" for name, digest in sorted(files.items())]
    assert (dist / "SHA256SUMS").read_text() == "".join(lines)


def test_the_bill_of_materials_is_valid_and_complete(dist: Path) -> None:
    text = (dist / SBOM).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    items = {item["name"]: item for item in document["components"]}
    wheel = zipfile.ZipFile(dist / WHEEL)
    iso = wheel.read("gantry_vsphere_runtime/files/gantry-bootstrap.iso")
    reader = wheel.read("gantry_vsphere_runtime/files/gantry-compose")
    hashes = {name: item["hashes"][0]["content"] for name, item in items.items() if "hashes" in item}
    assert hashes == {
        ARCHIVE: hashlib.sha256((dist / ARCHIVE).read_bytes()).hexdigest(),
        "gantry-vsphere-runtime": hashlib.sha256((dist / WHEEL).read_bytes()).hexdigest(),
        "gantry-bootstrap.iso": hashlib.sha256(iso).hexdigest(),
        "gantry-compose": hashlib.sha256(reader).hexdigest(),
    }
    (sources,) = (wheel.read(name).decode() for name in wheel.namelist() if name.endswith("SOURCES.md"))
    listed = set(re.findall(r"^\| (\S+) \| (\S+) \|", sources, re.MULTILINE)) - {
        ("component", "version"),
        ("---", "---"),
    }
    assert {
        "github.com/vmware/govmomi",
        "github.com/compose-spec/compose-go/v2",
        "std",
        "isolinux",
        "grub-efi-amd64-bin",
    } < {name for name, _version in listed}
    assert {"pyvmomi", "gantry-init"} < set(items)
    # Everything is reached from the release.
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    reached, waiting = set(), [document["metadata"]["component"]["bom-ref"]]
    while waiting:
        reference = waiting.pop()
        reached.add(reference)
        waiting += needs[reference]
    assert reached >= {item["bom-ref"] for item in items.values()}


def test_the_execution_environments_context_has_both_packages(dist: Path) -> None:
    with tarfile.open(dist / CONTEXT) as opened:
        files = {member.name.partition("/")[2]: opened.extractfile(member) for member in opened}
        content = {name: file.read() for name, file in files.items() if file is not None}
        modes = {member.name.partition("/")[2]: member.mode for member in opened}
    assert content[f"_build/collections/{ARCHIVE}"] == (dist / ARCHIVE).read_bytes()
    assert content[f"_build/wheels/{WHEEL}"] == (dist / WHEEL).read_bytes()
    assert b"/tmp/wheels/*.whl" in content["Containerfile"]
    assert modes["_build/scripts/assemble"] == 0o755


def test_the_licenses_are_in_the_package(dist: Path) -> None:
    wheel = zipfile.ZipFile(dist / WHEEL)
    names = [name.partition("/licenses/licenses/")[2] for name in wheel.namelist()]
    kernel = [name for name in names if re.fullmatch(r"linux-image-.*/copyright", name)]
    assert len(kernel) == 1
    assert {"GPL-2", "GPL-3", "std/LICENSE", "github.com/vmware/govmomi/LICENSE.txt"} <= set(names)
    (notice,) = (wheel.read(name) for name in wheel.namelist() if name.endswith(kernel[0]))
    assert b"GNU General Public License" in notice


@pytest.fixture(scope="module")
def release_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Yield a lab of its own: nothing but the release has put anything there."""
    shape = {"hypervisor": "qemu", "ports": "free", "publish": {}}
    with running_lab(tmp_path_factory.mktemp("lab"), shape) as info:
        yield info


@pytest.fixture(scope="module")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the release as a user does, into an environment and a home of its own; return the home."""
    home = tmp_path_factory.mktemp("home")
    venv = home / "venv"
    uv, python = environment.uv(), venv / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True)
    install = [uv, "pip", "install", "-q", "--python", python, "--constraint", environment.LOCKS / "dev.lock.txt"]
    subprocess.run([*install, *_INSTALLED, dist / WHEEL], check=True)
    galaxy = [venv / "bin" / "ansible-galaxy", "collection", "install", "--offline", dist / ARCHIVE]
    subprocess.run(galaxy, cwd=home, env=user_environment(home), check=True, capture_output=True)
    return home


def user_environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who has never seen the clone."""
    path = f"{home}/venv/bin:/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "ANSIBLE_LOCALHOST_WARNING": "0"}


def play(home: Path, playbook: str, lab: dict[str, Any], variables: dict[str, Any]) -> str:
    """Run a playbook of the installed collection, and return its output."""
    command = [
        home / "venv" / "bin" / "ansible-playbook",
        "-i",
        "localhost,",
        "-e",
        json.dumps(variables),
        f"gantry.vsphere.{playbook}",
    ]
    run = subprocess.run(
        command,
        cwd=home,
        env={**user_environment(home), **connection_environment(lab)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert str(ROOT) not in run.stdout
    return run.stdout


def changed(output: str) -> int:
    found = re.search(r"changed=(\d+)", output)
    assert found is not None
    return int(found.group(1))


@pytest.mark.timeout(900)
def test_the_installed_release_runs_the_demo(installed: Path, release_lab: dict[str, Any], tmp_path: Path) -> None:
    """Run it with no path of an ISO: the modules find the package, in Ansible's process and in their own."""
    containers = Containers(release_lab, DirectRunner(tmp_path, connection_environment(release_lab)))
    port = containers.publish("web", 80)
    actions = {
        **demo.variables(release_lab, f"http://127.0.0.1:{port}/"),
        "private_cloud_bootstrap": {"datastores": [release_lab["datastore"]]},
        "gantry_run_as_module": False,
    }
    modules = {**actions, "gantry_run_as_module": True}
    assert changed(play(installed, "site", release_lab, actions)) >= 1
    assert changed(play(installed, "rollout", release_lab, modules)) >= 1
    assert containers.get(port) == (200, PAGE)
    assert changed(play(installed, "site", release_lab, modules)) == 0
    assert changed(play(installed, "rollout", release_lab, actions)) == 0
    assert changed(play(installed, "demo_move", release_lab, modules)) == 1
    play(installed, "teardown", release_lab, actions)

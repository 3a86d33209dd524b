# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: what ansible-builder makes of its definition and of the built collection.

Building the image itself needs a container registry.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import yaml

from tests.support.lab.playbook import ansible_environment
from tools import collection, programs

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(sys.executable).parent
# The distributions that execution environments are built from; the development profiles of bindep.txt are for Debian.
PLATFORM = "platform:rpm"
# igzip only makes conversions faster.
OPTIONAL = {"isal"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collection.build(tmp_path_factory.mktemp("build"))


def _run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    command = [PROGRAMS / command[0], *command[1:]]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_build_context_installs_the_collection_of_this_version(archive: Path, tmp_path: Path) -> None:
    definition = tmp_path / "execution-environment.yml"
    shutil.copy(ROOT / "extensions" / "execution_environment" / definition.name, definition)
    shutil.copy(archive, tmp_path)
    _run(["ansible-builder", "create", "--context", "context"], tmp_path)
    build = tmp_path / "context" / "_build"
    (requirement,) = yaml.safe_load((build / "requirements.yml").read_text())["collections"]
    assert (build / requirement["name"]).read_bytes() == archive.read_bytes()


def test_the_collection_tells_the_builder_all_that_its_modules_need(archive: Path, tmp_path: Path) -> None:
    environment = ansible_environment(tmp_path, {})
    _run(
        ["ansible-galaxy", "collection", "install", "--no-deps", "--force", "-p", tmp_path, archive],
        tmp_path,
        environment,
    )
    found = yaml.safe_load(_run(["ansible-builder", "introspect", tmp_path], tmp_path))
    wanted = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line.split("  #")[0] for line in found["python"]] == wanted
    # The check "programs" holds Debian's packages against the programs that the modules call.
    debian = programs.listed_packages((ROOT / "bindep.txt").read_text())
    needed = {name for name, profiles in debian.items() if "" in profiles}
    assert {line.split()[0] for line in found["system"] if f"[{PLATFORM}]" in line} == needed - OPTIONAL

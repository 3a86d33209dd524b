# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder finds in the built collection to install into an execution environment.

tests/e2e/test_release.py tests the build context. Building the image itself needs a container registry.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.support.lab.playbook import ansible_environment
from tools import collection, programs

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path(sys.executable).parent
# The distributions that execution environments are built from; the development profiles of bindep.txt are for Debian.
PLATFORM = "platform:rpm"
# Where the name is another one than Debian's.
NAMES = {"isal": "isa-l-tools"}


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> str:
    command = [PROGRAMS / command[0], *command[1:]]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_collection_tells_the_builder_all_that_its_modules_need(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    archive = collection.build(tmp_path / "build")
    environment = ansible_environment(tmp_path, {})
    _run(
        ["ansible-galaxy", "collection", "install", "--no-deps", "--force", "-p", tmp_path / "collections", archive],
        environment,
    )
    found = yaml.safe_load(_run(["ansible-builder", "introspect", tmp_path / "collections"], environment))
    wanted = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line.split("  #")[0] for line in found["python"]] == wanted
    # The check "programs" holds Debian's packages against the programs that the modules call.
    debian = programs.listed_packages((ROOT / "bindep.txt").read_text())
    needed = {NAMES.get(name, name) for name, profiles in debian.items() if "" in profiles}
    assert {line.split()[0] for line in found["system"] if f"[{PLATFORM}]" in line} == needed

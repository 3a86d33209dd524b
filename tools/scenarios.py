# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the Molecule scenarios of extensions/molecule, each against a lab, and count their steps as tests."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devkit.console import ROOT, VENV, ToolError, say, step
from lab.connection import connection_environment
from lab.controller import Lab
from tools.runners import Counts
from tools.runtime_package import stage_compose

SCENARIOS = ROOT / "extensions" / "molecule"
# All that the scenarios of the roles need.
_LAB = {
    "hypervisor": "none",
    "ports": "free",
    "inventory": {"clusters": {"C1": 3}, "shared_datastores": ["shared1"]},
}
# Molecule's log: "INFO     [containers > converge] Executed: Successful". A step without its playbook counts as failed:
# every scenario has all playbooks of the sequence.
_OUTCOME = re.compile(r"\[(?P<scenario>\S+) > (?P<step>\S+)\] Executed: (?P<outcome>.+)$")
_SUCCESS = "Successful"
# Molecule colors errors, whatever its settings say.
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# Settings of the machine's user that change what Ansible does.
_FOREIGN = ("ANSIBLE_", "VMWARE_", "MOLECULE_", "XDG_")


def names() -> list[str]:
    return sorted(path.parent.name for path in SCENARIOS.glob("*/molecule.yml"))


def molecule(chosen: Sequence[str] = ()) -> Counts:
    """Run the chosen scenarios, or all, a few at the same time, each even if another has failed."""
    known = names()
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise ToolError(f"There is no Molecule scenario {', '.join(unknown)}. The scenarios are: {', '.join(known)}.")
    total = Counts()
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for output, counts in pool.map(_run, chosen or known):
            say(output)
            total += counts
    return total


def _run(name: str) -> tuple[str, Counts]:
    """Run a scenario against a lab of its own; return what Molecule printed, and the counts."""
    with tempfile.TemporaryDirectory(prefix="gantry-molecule-") as folder:
        lab = Lab(Path(folder) / "lab", _LAB, bound=True)
        try:
            with step(f"molecule {name}"):
                environment = _environment(Path(folder), connection_environment(lab.up()), lab.state.lab_json)
                command = [str(VENV / "bin" / "molecule"), "test", "--scenario-name", name]
                done = subprocess.run(
                    [*command, "--no-command-borders", "--report"],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
        finally:
            lab.down()
    counts = count(name, done.stdout.splitlines(), done.returncode)
    return textwrap.indent(f"-- molecule: {name}\n{done.stdout}", "   "), counts


def _environment(folder: Path, connection: Mapping[str, str], lab_json: Path) -> dict[str, str]:
    """Return the environment of Molecule, with a home directory of its own."""
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {
        **kept,
        **connection,
        "HOME": str(home),
        "NO_COLOR": "1",
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "GANTRY_MOLECULE_LAB": str(lab_json),
        # The program that reads Compose files.
        "PYTHONPATH": str(stage_compose(folder)),
    }


def count(name: str, output: Iterable[str], code: int) -> Counts:
    """Count the steps in a scenario's log. A run that failed, or that executed no step, is never good."""
    outcomes = [found for line in output if (found := _OUTCOME.search(_COLOR.sub("", line)))]
    failures = tuple(
        f"molecule {found['scenario']}: {found['step']}: {found['outcome'].strip()}"
        for found in outcomes
        if found["outcome"].strip() != _SUCCESS
    )
    counts = Counts(len(outcomes) - len(failures), len(failures), failures=failures)
    if (code or not outcomes) and not failures:
        counts += Counts(problem=f"molecule {name}: exit code {code}, {counts}")
    return counts

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the Molecule scenarios of extensions/molecule against one lab, and count their steps as tests."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devkit.console import ROOT, VENV, ToolError, say, step
from lab.connection import connection_environment
from lab.controller import Lab
from tools.runners import Counts

SCENARIOS = ROOT / "extensions" / "molecule"
# All that the scenarios of the roles need; they share the lab, so each uses names of its own.
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
    """Run the chosen scenarios, or all, each even if another has failed."""
    known = names()
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise ToolError(f"There is no Molecule scenario {', '.join(unknown)}. The scenarios are: {', '.join(known)}.")
    with tempfile.TemporaryDirectory(prefix="gantry-molecule-") as folder:
        lab = Lab(Path(folder) / "lab", _LAB, bound=True)
        try:
            with step("the lab of the Molecule scenarios"):
                info = lab.up()
            environment = _environment(Path(folder), connection_environment(info), lab.state.lab_json)
            return sum((_run(name, environment) for name in chosen or known), Counts())
        finally:
            lab.down()


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
    }


def _run(name: str, environment: Mapping[str, str]) -> Counts:
    say(f"-- molecule: {name}")
    command = [str(VENV / "bin" / "molecule"), "test", "--scenario-name", name, "--no-command-borders", "--report"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = []
        for line in process.stdout:
            say("   " + line.rstrip())
            output.append(line)
    return count(name, output, process.returncode)


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

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the Python interpreters of this machine by version: on PATH, and those that pyenv keeps off it.

Debian and Ubuntu split ensurepip, without which no environment can be made, into a package of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from devkit.console import ToolError, say
from tools import apt

# The order in which the development environment prefers them: 3.12 and later get the newest ansible-core of the lock
# file; 3.12 comes first, because every supported ansible-core of 2.16 to 2.21 runs on it.
PREFERRED = ("3.12", "3.13", "3.11")
# Only interpreters in this folder come from packages of the distribution.
PACKAGED = Path("/usr/bin")


def _runs(python: Path, version: str) -> bool:
    """Return whether the interpreter starts (pyenv's shims of inactive versions do not) and has that version."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == version


def _makes_environments(python: Path) -> bool:
    """Return whether the interpreter has ensurepip."""
    return subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0


def _candidates(version: str) -> list[Path]:
    """Return the interpreters that run and have the version, the one on PATH first."""
    found = []
    on_path = shutil.which(f"python{version}")
    if on_path:
        # Resolved, so that an environment's own link is never the base of that same environment.
        found.append(Path(on_path).resolve())
    # pyenv's shims may stand before it.
    found.append(PACKAGED / f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found += sorted((pyenv / "versions").glob(f"{version}.*/bin/python{version}"), reverse=True)
    return [python for python in found if python.exists() and _runs(python, version)]


def find(version: str) -> Path | None:
    """Return the interpreter of that version ("3.12") that can make environments, or None."""
    return next(filter(_makes_environments, _candidates(version)), None)


def preferred() -> Path:
    """Return the interpreter for the development environment; GANTRY_PYTHON overrides the choice.

    When none is complete, the best of the distribution's is completed.
    """
    chosen = os.environ.get("GANTRY_PYTHON")
    if chosen:
        return Path(chosen)
    complete = next(filter(None, map(find, PREFERRED)), None)
    if complete:
        return complete
    for version in PREFERRED:
        for python in _candidates(version):
            if python.parent == PACKAGED:
                complete_with_ensurepip(python)
                return python
    raise ToolError(
        f"No Python of {', '.join(PREFERRED)} was found on PATH or under pyenv. "
        "Install one (Debian and Ubuntu: apt-get install python3) or name one in GANTRY_PYTHON."
    )


def complete_with_ensurepip(python: Path) -> None:
    """Install the package that lets an interpreter of the distribution make environments, unless it can."""
    if _makes_environments(python):
        return
    script = "import sys; print('python%d.%d-venv' % sys.version_info[:2])"
    package = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    say(f"-- {python} cannot make environments without {package} ...")
    apt.install([package])
    if not _makes_environments(python):
        raise ToolError(
            f"{python} cannot import ensurepip although {package} is installed. Name another in GANTRY_PYTHON."
        )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the Python interpreters of this machine by version: on PATH, and those that pyenv keeps off it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools.console import ToolError

# The order in which the development environment prefers them: 3.12 and later get the newest ansible-core of the lock
# file; 3.12 comes first, because every supported ansible-core of 2.16 to 2.21 runs on it.
PREFERRED = ("3.12", "3.13", "3.11")


def _answers(python: Path, version: str) -> bool:
    """Whether the interpreter starts (pyenv's shims of inactive versions do not) and has that version."""
    script = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return result.returncode == 0 and result.stdout.strip() == version


def find(version: str) -> Path | None:
    """The interpreter of that version ("3.12"), or None."""
    candidates = []
    on_path = shutil.which(f"python{version}")
    if on_path:
        # Resolved, so that an environment's own link is never the base of that same environment.
        candidates.append(Path(on_path).resolve())
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += sorted((pyenv / "versions").glob(f"{version}.*/bin/python{version}"), reverse=True)
    for candidate in candidates:
        if _answers(candidate, version):
            return candidate
    return None


def preferred() -> Path:
    """The interpreter for the development environment; GANTRY_PYTHON overrides the choice."""
    chosen = os.environ.get("GANTRY_PYTHON")
    if chosen:
        return Path(chosen)
    for version in PREFERRED:
        python = find(version)
        if python:
            return python
    raise ToolError(
        f"no Python of {', '.join(PREFERRED)} was found on PATH or under pyenv; "
        "install one (Debian: apt-get install python3 python3-venv) or name one in GANTRY_PYTHON"
    )

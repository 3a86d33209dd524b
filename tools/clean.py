# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make clean: stop the lab, then remove everything built or cached."""

from __future__ import annotations

import shutil
import subprocess

from devkit.console import ROOT, VENV, main_guard, run, say

_FOLDERS = (
    ".ansible",
    ".cache",
    ".hypothesis",
    ".lab",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "dist",
    "tests/output",
)


def main() -> None:
    if (ROOT / ".lab").exists() and VENV.exists():
        # If the lab does not stop, nothing is removed, so that it can still be found.
        run([VENV / "bin" / "python", "-m", "lab", "down"])
    for name in _FOLDERS:
        folder = ROOT / name
        if folder.exists():
            say(f"   removing {name}")
            shutil.rmtree(folder)
    # Bytecode is beside its sources; only files that git ignores are removed.
    subprocess.run(["git", "clean", "-q", "-d", "-f", "-X", "--", "*.pyc", "*__pycache__*"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main_guard(main)

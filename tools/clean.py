# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make clean: stops the lab, then removes what was built or cached."""

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
        # While the lab is known, nothing of it may be removed: a failure ends here.
        run([VENV / "bin" / "python", "-m", "lab", "down"])
    for name in _FOLDERS:
        folder = ROOT / name
        if folder.exists():
            say(f"   removing {name}")
            shutil.rmtree(folder)
    # Bytecode lies beside its sources; only what git ignores is removed.
    subprocess.run(["git", "clean", "-q", "-d", "-f", "-X", "--", "*.pyc", "*__pycache__*"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main_guard(main)

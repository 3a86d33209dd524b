# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench: run the programs of benchmarks/, in an environment that also has the collections they compare with.

python -m tools.bench [NAME ...]
"""

from __future__ import annotations

import os
import sys

from devkit.console import CACHE, ROOT, ToolError, main_guard, run, step
from tools import environment, pythons


def _names() -> list[str]:
    """Return the names of the benchmarks; the other files of benchmarks/ are shared code."""
    return sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text())


def main() -> None:
    names = _names()
    chosen = sys.argv[1:] or names
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise ToolError(f"There is no benchmark {', '.join(unknown)}. Choose from: {', '.join(names)}.")
    venv = CACHE / "peers-venv"
    environment.make(venv, pythons.preferred(), "peers.lock.txt")
    path = os.pathsep.join([str(venv / "bin"), os.environ["PATH"]])
    for name in chosen:
        with step(f"benchmark {name}"):
            run([venv / "bin" / "python", "-m", f"benchmarks.{name}"], env={**os.environ, "PATH": path})


if __name__ == "__main__":
    main_guard(main)

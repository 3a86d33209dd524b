# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make bench: the measurements of benchmarks/, in an environment that has the peers too."""

from __future__ import annotations

import os
import sys

from tools import environment, pythons
from tools.console import CACHE, main_guard, run


def main() -> None:
    venv = CACHE / "bench-venv"
    environment.make(venv, pythons.preferred(), "bench.lock.txt")
    path = os.pathsep.join([str(venv / "bin"), os.environ["PATH"]])
    run([venv / "bin" / "python", "-m", "benchmarks", *sys.argv[1:]], env={**os.environ, "PATH": path})


if __name__ == "__main__":
    main_guard(main)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make lock: update the lock files of tools/requirements/ from the groups of pyproject.toml, with hashes."""

from __future__ import annotations

import os

from devkit.console import ROOT, main_guard, run, step
from tools import environment

# lock file: (dependency group, oldest Python)
LOCKS = {
    "uv": ("uv", "3.11"),
    "dev": ("dev", "3.11"),
    "peers": ("peers", "3.11"),
    "awx": ("awx", "3.11"),
    "core-2.16": ("core-2-16", "3.11"),
    "core-2.18": ("core-2-18", "3.11"),
    "lint-oldest": ("lint-oldest", "3.11"),
}
# Of what this ansible-lint requires on Windows, the only version was withdrawn: it cannot be locked for all platforms.
_THIS_PLATFORM = frozenset({"lint-oldest"})


def main() -> None:
    for name, (group, python) in LOCKS.items():
        lock = environment.LOCKS / f"{name}.lock.txt"
        with step(f"{lock.name}"):
            options = [
                "-q",
                *([] if name in _THIS_PLATFORM else ["--universal"]),
                "--generate-hashes",
                "--no-header",
                "--no-annotate",
                "--no-emit-index-url",
            ]
            command = [str(environment.uv()), "pip", "compile", *options, "--python-version", python, "--group", group]
            run([*command, "-o", lock], cwd=ROOT, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})


if __name__ == "__main__":
    main_guard(main)

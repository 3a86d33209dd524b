# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create an environment for each supported ansible-core; the oldest has the oldest pyVmomi."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devkit.console import CACHE, say
from tools import environment, pythons


@dataclass(frozen=True)
class Row:
    core: str
    python: str
    lock: str
    purpose: str = "core"

    def make(self) -> Path | None:
        """Return the row's environment, created or updated; None if this machine lacks the Python."""
        python = pythons.find(self.python)
        if python is None:
            say(f"   no Python {self.python} on this machine: ansible-core {self.core} is not tested")
            return None
        venv = CACHE / "matrix" / f"{self.purpose}-{self.core}-python-{self.python}"
        environment.make(venv, python, self.lock)
        return venv


LINT_OLDEST = Row("2.16", "3.11", "lint-oldest.lock.txt", "lint")
OLDEST = Row("2.16", "3.11", "core-2.16.lock.txt")
ROWS = (
    OLDEST,
    Row("2.18", "3.11", "core-2.18.lock.txt"),
    Row("2.19", "3.11", "dev.lock.txt"),
    Row("2.21", "3.12", "dev.lock.txt"),
)

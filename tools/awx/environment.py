# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the environment with ansible-runner and the client collection awx.awx, which only the bundle ansible has."""

from __future__ import annotations

import fcntl
from pathlib import Path

from devkit.console import CACHE
from tools import environment, pythons


def make() -> Path:
    """Return the environment, created or updated. Tests of several workers may ask for it at once."""
    venv = CACHE / "awx-venv"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "awx-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment.make(venv, pythons.preferred(), "awx.lock.txt")
    return venv

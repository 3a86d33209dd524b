# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command of the lab as root, from a process that is not root."""

from __future__ import annotations

import shutil
import sys

from lab.errors import LabError

# Environment variables that sudo must keep: for the state directory, the configuration and the programs of the lab.
_KEPT_VARIABLES = ("GANTRY_LAB_STATE", "GANTRY_LAB_CONFIG", "PATH", "PYTHONUNBUFFERED", "GOTOOLCHAIN", "CGO_ENABLED")


def lab_command(*words: str) -> list[str]:
    """Return the command line that runs `python -m lab` with these words as root."""
    if shutil.which("sudo") is None:
        raise LabError(
            "The lab requires root for its network namespace, and sudo is not installed. Run this command as root."
        )
    keep = "--preserve-env=" + ",".join(_KEPT_VARIABLES)
    # -B: bytecode of root in a user's clone could not be removed by the user.
    return ["sudo", keep, sys.executable, "-B", "-m", "lab", *words]

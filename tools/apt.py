# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install Debian packages, as root or by sudo."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence

from devkit.console import ToolError, run, say


def _as_root(command: Sequence[str]) -> list[str]:
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive", *command]
    if shutil.which("sudo"):
        return ["sudo", "env", "DEBIAN_FRONTEND=noninteractive", *command]
    raise ToolError(f"Installing packages needs root, and there is no sudo. Run as root: {shlex.join(command)}")


def install(packages: Sequence[str]) -> None:
    """Install the packages, from updated package lists."""
    if not shutil.which("apt-get"):
        raise ToolError(
            f"This system has no apt-get. Install what corresponds to these Debian packages: {' '.join(packages)}"
        )
    say(f"   apt-get install {' '.join(packages)}")
    run(_as_root(["apt-get", "-q", "-q", "update"]))
    command = _as_root(["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages])
    # Its hundreds of lines are shown only when it fails.
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode:
        say(result.stdout)
        raise ToolError(f"The command failed with exit code {result.returncode}: {shlex.join(command)}")

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name, find and remove the lab's network namespace.

The hypervisor (lab/vcenter/internal/hypervisor) creates it.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from lab.errors import LabError
from lab.processes import ProcessRecord

_NAMESPACES = Path("/run/netns")


def namespace_name(state_dir: Path) -> str:
    """Return the name for a state directory. Labs in different directories have different namespaces."""
    return "gantry-lab-" + hashlib.sha256(str(state_dir).encode()).hexdigest()[:8]


def namespace_exists(name: str) -> bool:
    return (_NAMESPACES / name).exists()


def remove_namespace(name: str) -> bool:
    """End the processes in the namespace and remove it. Return whether there was one."""
    if not namespace_exists(name):
        return False
    for pid in _ip("netns", "pids", name).split():
        try:
            record = ProcessRecord.of(int(pid))
        except LabError:
            continue  # the process has ended by itself
        record.end(term_seconds=0)
    _ip("netns", "del", name)
    return True


def _ip(*arguments: str) -> str:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"`ip {' '.join(arguments)}` failed: {result.stderr.strip()}.")
    return result.stdout

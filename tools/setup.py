# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make setup: create the development environment and install the system packages, unless nothing has changed."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from devkit.console import CACHE, ROOT, VENV, ToolError, main_guard, say, step
from tools import apt, environment, pythons

PROFILES = ("test", "lab", "guest")


def _missing_packages() -> list[str]:
    """Return the packages of bindep.txt that this machine lacks."""
    command = [str(VENV / "bin" / "bindep"), "--brief", "--file", str(ROOT / "bindep.txt"), *PROFILES]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    # 0: nothing is missing; 1 with names: those are missing.
    if result.returncode not in (0, 1) or (result.returncode == 1 and not result.stdout.strip()):
        raise ToolError(f"bindep failed. It said: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout.split()


def _packages_state() -> str:
    """Return a digest of bindep.txt and of the installed packages."""
    status = Path("/var/lib/dpkg/status")
    return environment.digest((ROOT / "bindep.txt").read_bytes(), status.read_bytes() if status.exists() else b"")


@contextmanager
def _compiling_meanwhile() -> Iterator[None]:
    """Compile the lab's vCenter, the longest part of the first build, while packages are fetched and unpacked."""
    command = [str(VENV / "bin" / "python"), "-m", "lab.vcenter_binary"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield
        said, _nothing = process.communicate()
    if process.returncode:
        raise ToolError(said.removeprefix("error: ").rstrip())


def _install_packages() -> None:
    """Install what is missing. bindep takes a second or two, so it runs only when its answer can have changed."""
    stamp = VENV / ".gantry-packages"
    if stamp.exists() and stamp.read_text() == _packages_state():
        return
    missing = _missing_packages()
    if missing:
        # Go needs the system's certificates for its downloads; they may be among the packages.
        compiles = "ca-certificates" not in missing
        with (
            step("system packages, and the lab's vCenter meanwhile" if compiles else "system packages"),
            _compiling_meanwhile() if compiles else nullcontext(),
        ):
            apt.install(missing)
    stamp.write_text(_packages_state())


def main() -> None:
    begin = time.monotonic()
    if sys.version_info < (3, 11):
        raise ToolError(f"python3 is {sys.version.split()[0]}. The development tools need 3.11 or later.")
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "setup.lock").open("w") as lock:
        # Concurrent runs wait for each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        environment.make(VENV, pythons.preferred(), "dev.lock.txt")
        _install_packages()
    say(f"setup: ready in {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main_guard(main)

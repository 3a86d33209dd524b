# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build govc, VMware's own client of the vSphere API. The tests use it as an independent check of a vCenter's state.

python -m tools.govc     builds it and prints its path
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from devkit.console import CACHE, VENV, ToolError, main_guard, run, say, step

# In later versions govc is a Go module of its own, which no module proxy has. The checksum database verifies this one.
MODULE = "github.com/vmware/govmomi/govc"
VERSION = "v0.46.0"


def build() -> Path:
    """Return the program, from the cache unless its version or the toolchain has changed."""
    folder = CACHE / "govc"
    folder.mkdir(parents=True, exist_ok=True)
    go = find_go()
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GOBIN": str(folder / "new"),
    }
    toolchain = subprocess.run([go, "version"], env=environment, capture_output=True, check=True).stdout
    program = folder / f"govc-{VERSION}-{hashlib.sha256(toolchain).hexdigest()[:8]}"
    with (folder / "build.lock").open("w") as lock:
        # Concurrent builds wait for each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            with step(f"govc {VERSION}"):
                run([go, "install", "-trimpath", f"{MODULE}@{VERSION}"], env=environment)
            (folder / "new" / "govc").replace(program)
            (folder / "new").rmdir()
    return program


def find_go() -> str:
    bundled = VENV / "bin" / "go"
    go = str(bundled) if bundled.exists() else shutil.which("go")
    if go is None:
        raise ToolError("No Go toolchain was found to build govc. Run `make setup`, which installs one.")
    return go


def find_gofmt() -> str:
    """Return the gofmt of the toolchain, which need not be on PATH."""
    goroot = subprocess.run([find_go(), "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    return str(Path(goroot) / "bin" / "gofmt")


def main() -> None:
    say(str(build()))


if __name__ == "__main__":
    main_guard(main)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the vCenter binary from lab/vcenter, unless the cache has one for the same sources and toolchain.

python -m lab.vcenter_binary    builds it and prints its path
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.console import CACHE, main_guard, say
from lab.errors import LabError

SOURCES = Path(__file__).resolve().parent / "vcenter"
# The guest's Go module, and its packages that the vCenter uses: the port, both sides of guest operations, and the
# record on the scratch disk, the log, and trees of files, with what these import.
_GUEST = SOURCES.parents[1] / "guest"
_GUEST_PACKAGES = (
    *("port", "guestops", "relay", "record", "logbuf", "tree"),
    *("internal/failure", "internal/report", "internal/spec", "internal/syslog", "internal/tlsproto"),
)
# Binaries of other branches are kept for a while; each takes about 40 MB.
_KEPT = 3


def build(cache_dir: Path) -> Path:
    """Return the path of the binary. Its name contains a digest of its inputs."""
    go = _go()
    cache_dir.mkdir(parents=True, exist_ok=True)
    binary = cache_dir / f"vcenter-{_digest(go)}"
    with _locked(cache_dir / "build.lock"):
        if not binary.exists():
            _compile(go, binary)
        binary.touch()
        _prune(cache_dir, binary)
    return binary


def _go() -> str:
    """Return the Go toolchain of the environment (make setup), or the installed one."""
    bundled = Path(sys.prefix) / "bin" / "go"
    go = str(bundled) if bundled.exists() else shutil.which("go")
    if go is None:
        raise LabError("There is no Go toolchain to build the lab's vCenter. Run `make setup`, which installs one.")
    return go


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}


def _digest(go: str) -> str:
    version = subprocess.run([go, "version"], env=_environment(), capture_output=True, check=True).stdout
    total = hashlib.sha256(version)
    shared = [path for name in _GUEST_PACKAGES for path in (_GUEST / name).iterdir()]
    for path in sorted([*SOURCES.rglob("*"), *shared, _GUEST / "go.mod"]):
        if path.is_file() and _is_source(path):
            content = path.read_bytes()
            total.update(f"{path.relative_to(SOURCES.parents[1])}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def _is_source(path: Path) -> bool:
    return (path.suffix == ".go" and not path.name.endswith("_test.go")) or path.name in ("go.mod", "go.sum")


def _compile(go: str, binary: Path) -> None:
    unfinished = binary.with_suffix(".new")
    # -trimpath as in the build of the bootstrap and in the tests, so that all share the compiled standard library.
    command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(unfinished), "."]
    result = subprocess.run(command, cwd=SOURCES, env=_environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"The lab's vCenter could not be built:\n{result.stdout}{result.stderr}".rstrip())
    unfinished.replace(binary)


def _prune(cache_dir: Path, current: Path) -> None:
    """Remove all but the newest binaries. A lab that runs an older one is not affected."""
    day_ago = time.time() - 86400
    others = sorted((p for p in cache_dir.glob("vcenter-*") if p != current), key=lambda p: p.stat().st_mtime)
    for path in others[: -(_KEPT - 1)]:
        if path.stat().st_mtime < day_ago:
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the cache. Only one build runs at a time; others find its result."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    say(str(build(CACHE / "lab")))


if __name__ == "__main__":
    main_guard(main)

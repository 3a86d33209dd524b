# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vCenter's binary: built from lab/vcenter when its sources or the toolchain have changed, else from the cache.

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
# Binaries of other branches stay for a while; each is some 40 MB.
_KEPT = 3


def build(cache_dir: Path) -> Path:
    """The binary's path; the name says what it was built from."""
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
    """The environment's toolchain (make setup) before the machine's."""
    bundled = Path(sys.prefix) / "bin" / "go"
    go = str(bundled) if bundled.exists() else shutil.which("go")
    if go is None:
        raise LabError("there is no Go toolchain to build the lab's vCenter with; run `make setup`, which brings one")
    return go


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}


def _digest(go: str) -> str:
    version = subprocess.run([go, "version"], env=_environment(), capture_output=True, check=True).stdout
    total = hashlib.sha256(version)
    for path in sorted(SOURCES.rglob("*")):
        if path.is_file() and _is_source(path):
            content = path.read_bytes()
            total.update(f"{path.relative_to(SOURCES)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def _is_source(path: Path) -> bool:
    return (path.suffix == ".go" and not path.name.endswith("_test.go")) or path.name in ("go.mod", "go.sum")


def _compile(go: str, binary: Path) -> None:
    unfinished = binary.with_suffix(".new")
    # -trimpath as in the bootstrap's build and the tests: with it they share what is compiled of Go's own library.
    command = [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(unfinished), "."]
    result = subprocess.run(command, cwd=SOURCES, env=_environment(), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise LabError(f"the lab's vCenter does not build:\n{result.stdout}{result.stderr}".rstrip())
    unfinished.replace(binary)


def _prune(cache_dir: Path, current: Path) -> None:
    """Removes all but the newest; a lab that runs one of the others keeps it open."""
    day_ago = time.time() - 86400
    others = sorted((p for p in cache_dir.glob("vcenter-*") if p != current), key=lambda p: p.stat().st_mtime)
    for path in others[: -(_KEPT - 1)]:
        if path.stat().st_mtime < day_ago:
            path.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One build at a time; the others then find the result."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    say(str(build(CACHE / "lab")))


if __name__ == "__main__":
    main_guard(main)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build gantry-compose, unless the cache has it from the same sources and toolchain. The build is reproducible.

python -m compose.build    builds it and prints its path
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path

from devkit.console import CACHE, main_guard, say
from guest.build import golang
from guest.build.run import run

SOURCE = Path(__file__).resolve().parent
NAME = "gantry-compose"


def build(cache_dir: Path = CACHE / "compose") -> Path:
    """Return the path of the program, in a directory that is named by a digest of its inputs."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    with (cache_dir / ".lock").open("w") as lock:
        # Only one build runs at a time; others find its result.
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = cache_dir / _digest() / NAME
        if not program.exists():
            _compile(program)
            _remove_others(program.parent)
    return program


def _digest() -> str:
    total = hashlib.sha256(golang.go_version().encode())
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in (".go", ".mod", ".sum") and not path.name.endswith("_test.go"):
            content = path.read_bytes()
            total.update(f"{path.relative_to(SOURCE)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def _compile(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    unfinished = program.with_suffix(".new")
    options = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w -buildid=", "-o", str(unfinished)]
    run(["go", "build", *options, "."], cwd=SOURCE, env=golang.environment())
    unfinished.replace(program)


def _remove_others(current: Path) -> None:
    for path in current.parent.iterdir():
        if path.is_dir() and path != current:
            shutil.rmtree(path)


def main() -> None:
    say(str(build()))


if __name__ == "__main__":
    main_guard(main)

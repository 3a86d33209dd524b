# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's images as OCI layouts, cached by their inputs.

python -m lab.images.build        builds them, and prints where they are
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from devkit.console import CACHE, main_guard, say, step
from lab.images import debian, debian_images, nfs, nginx, postgres, redis, tiny
from lab.images.debian import DebianRoot
from lab.images.layout import LayoutWriter

NAMES = ("tiny", "nginx", "redis", "postgres", "postgres-next", "nfs", "arm", "multi")


def build_all(cache_dir: Path) -> dict[str, Path]:
    """Return the OCI image layout of each image, tag "1". All are built when one of their inputs has changed."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    folder = cache_dir / f"layouts-{_inputs()}"
    with (cache_dir / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with step("the lab's images"):
                _build(cache_dir, folder)
            _prune(cache_dir, folder)
    return {name: folder / name for name in NAMES}


def _inputs() -> str:
    """Return a digest of what the images are made from: the packages, and the modules of this folder."""
    total = hashlib.sha256(debian.key().encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        total.update(hashlib.sha256(source.read_bytes()).digest())
    return total.hexdigest()[:16]


def _build(cache_dir: Path, folder: Path) -> None:
    unfinished = folder.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    root = DebianRoot(debian.root_archive(cache_dir))
    try:
        base = debian_images.base(root)
        single: dict[str, Callable[[LayoutWriter], dict[str, object]]] = {
            "tiny": lambda layout: layout.image(tiny.build(root)),
            "nginx": lambda layout: layout.image(nginx.build(root, base)),
            "redis": lambda layout: layout.image(redis.build(root, base)),
            "postgres": lambda layout: layout.image(postgres.build(root, base, "1")),
            "postgres-next": lambda layout: layout.image(postgres.build(root, base, "2")),
            "nfs": lambda layout: layout.image(nfs.build(root, base)),
            # An image for another architecture only.
            "arm": lambda layout: layout.image(tiny.build(root, "arm64")),
            # One reference, two platforms.
            "multi": lambda layout: layout.index(
                [layout.image(tiny.build(root, "arm64")), layout.image(tiny.build(root))]
            ),
        }
        for name in NAMES:
            layout = LayoutWriter(unfinished / name)
            layout.finish(single[name](layout))
    finally:
        root.close()
    unfinished.replace(folder)


def _prune(cache_dir: Path, current: Path) -> None:
    """Remove layouts of earlier inputs. Labs have pushed them to their registries."""
    for folder in cache_dir.glob("layouts-*"):
        if folder != current:
            shutil.rmtree(folder)


def main() -> None:
    """Build all images and print where they are."""
    for name, layout in build_all(CACHE / "images").items():
        say(f"{name:13} {layout}")


if __name__ == "__main__":
    main_guard(main)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create virtual environments from lock files with a pinned uv, and update them only when their inputs have changed."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from devkit.console import CACHE, ROOT, run, say, step
from tools import pythons

LOCKS = ROOT / "tools" / "requirements"
COLLECTION = Path("ansible_collections", "gantry", "vsphere")
_UV_LOCK = LOCKS / "uv.lock.txt"


def digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def _is_current(venv: Path, wanted: str) -> bool:
    stamp = venv / ".gantry-stamp"
    return (venv / "bin" / "python").exists() and stamp.exists() and stamp.read_text().strip() == wanted


def _stamp(venv: Path, wanted: str) -> None:
    (venv / ".gantry-stamp").write_text(wanted + "\n")


def uv() -> Path:
    """Return the pinned uv, which is installed in an environment of its own under .cache/."""
    home = CACHE / "uv"
    wanted = digest(_UV_LOCK.read_bytes(), str(home).encode())
    if not _is_current(home, wanted):
        with step("uv"):
            # This may be another interpreter than the one that the environments are for.
            pythons.complete_with_ensurepip(Path(sys.executable))
            run([sys.executable, "-m", "venv", "--clear", home])
            run([home / "bin" / "python", "-m", "pip", "install", "-q", "--require-hashes", "-r", _UV_LOCK])
            _stamp(home, wanted)
    return home / "bin" / "uv"


def make(venv: Path, python: Path, lock_name: str) -> None:
    """Create or update an environment so that it holds exactly the lock file's packages and the collection."""
    lock = LOCKS / lock_name
    wanted = digest(lock.read_bytes(), str(python).encode(), str(venv).encode())
    if not _is_current(venv, wanted):
        with step(f"{_shown(venv)}: {python} with {lock.name}"):
            environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
            if not _same_python(venv, python):
                run([uv(), "venv", "-q", "--clear", "--python", python, venv], env=environment)
            options = ["--require-hashes", "--link-mode", "hardlink"]
            run([uv(), "pip", "sync", "-q", *options, "--python", venv / "bin" / "python", lock], env=environment)
            _stamp(venv, wanted)
    (site_packages,) = venv.glob("lib/python3.*/site-packages")
    link_collection(site_packages)


def _same_python(venv: Path, python: Path) -> bool:
    link = venv / "bin" / "python"
    return link.exists() and link.resolve() == python.resolve()


def link_collection(folder: Path) -> None:
    """Link the clone into a folder of collections as gantry.vsphere, whatever the clone's own folder is called."""
    link = folder / COLLECTION
    if link.is_symlink() and link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT)
    say(f"   {_shown(link)} -> the clone")


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)

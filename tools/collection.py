# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection from the files that git tracks, as users get it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from devkit.console import ROOT, VENV, run


def _copy_tracked_files(target: Path) -> None:
    """Copies the files that git tracks, as they are in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if not source.exists() and not source.is_symlink():
            continue  # deleted in the work tree, not yet in the index
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)


def build(folder: Path) -> Path:
    """Builds the collection's archive in an empty folder; what lies about in the clone does not get into it."""
    sources = folder / "sources"
    _copy_tracked_files(sources)
    run([VENV / "bin" / "ansible-galaxy", "collection", "build", "--output-path", folder], cwd=sources)
    (archive,) = folder.glob("gantry-vsphere-*.tar.gz")
    return archive

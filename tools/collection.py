# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection from the files that git tracks, as users get it, and check what is in it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from devkit.console import ROOT, VENV, ToolError, run

# What users install, by file or by folder. The first three are written by the build.
SHIPPED = (
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "CHANGELOG.rst",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "bindep.txt",
    "changelogs/",
    "docs/docsite/",
    "extensions/execution_environment/",
    "meta/",
    "playbooks/",
    "plugins/",
    "roles/",
    "requirements.txt",
    # Which Pythons ansible-test runs.
    "tests/config.yml",
)


def _copy_tracked_files(target: Path) -> None:
    """Copy the files that git tracks, as they are in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if not source.exists() and not source.is_symlink():
            continue  # deleted in the work tree, not yet in the index
        destination = target / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)


def build(folder: Path) -> Path:
    """Build the collection's archive in an empty folder, without untracked files of the clone."""
    sources = folder / "sources"
    _copy_tracked_files(sources)
    run([VENV / "bin" / "ansible-galaxy", "collection", "build", "--output-path", folder], cwd=sources)
    (archive,) = folder.glob("gantry-vsphere-*.tar.gz")
    return archive


def unexpected(names: Iterable[str]) -> list[str]:
    """Return the files of an archive that users must not get."""
    return sorted(name for name in names if not any(_covers(entry, name) for entry in SHIPPED))


def _covers(entry: str, name: str) -> bool:
    return name.startswith(entry) if entry.endswith("/") else name == entry


def check_contents(archive: Path) -> None:
    """Fail if the archive contains files that users must not get."""
    with tarfile.open(archive) as opened:
        found = unexpected(member.name for member in opened if not member.isdir())
    if found:
        raise ToolError(
            f"The built collection holds {len(found)} files that are not for users, such as {found[0]}. Add them to "
            "build_ignore in galaxy.yml, or to SHIPPED in tools/collection.py."
        )

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection from the files that git tracks, as users get it, and check what is in it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from devkit.console import ROOT, VENV, ToolError, run
from tools.archives import Entry, write_tar_gz

# What users install, by file or by folder. The first three are written by the build.
SHIPPED = (
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "CHANGELOG.rst",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "bindep.txt",
    "changelogs/",
    "docs/docsite/",
    "docs/examples/",
    "extensions/execution_environment/",
    "extensions/patterns/",
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
    """Build the collection's archive in an empty folder, without untracked files of the clone. It is reproducible."""
    sources = folder / "sources"
    _copy_tracked_files(sources)
    run([VENV / "bin" / "ansible-galaxy", "collection", "build", "--output-path", folder], cwd=sources)
    (archive,) = folder.glob("gantry-vsphere-*.tar.gz")
    _make_reproducible(archive)
    return archive


def version() -> str:
    """Return the version of the collection."""
    found = re.search(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)
    if found is None:
        raise ToolError("galaxy.yml has no line 'version: VERSION'. Add it.")
    return found.group(1)


def _make_reproducible(archive: Path) -> None:
    """Write the archive again, sorted and without the time of the build.

    ansible-galaxy lists the files in the order of the file system, and dates them now.
    """
    with tarfile.open(archive) as opened:
        entries = {member.name: _entry(opened, member) for member in opened}
    manifest, files = (json.loads(entries.pop(name).content or b"") for name in ("MANIFEST.json", "FILES.json"))
    files["files"].sort(key=lambda file: file["name"])
    listing = _json(files)
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listing).hexdigest()
    first = [Entry("MANIFEST.json", _json(manifest)), Entry("FILES.json", listing)]
    write_tar_gz(archive, [*first, *(entries[name] for name in sorted(entries))])


def _entry(opened: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    file = opened.extractfile(member)
    return Entry(member.name, None if file is None else file.read(), bool(member.mode & 0o100))


def _json(value: object) -> bytes:
    # As ansible-galaxy writes it.
    return json.dumps(value, indent=True).encode()


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

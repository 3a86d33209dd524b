# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""make release: build everything that a release consists of into dist/, reproducibly.

gantry-vsphere-VERSION.tar.gz                       the collection
gantry_vsphere_runtime-VERSION-py3-none-any.whl     the bootstrap ISO and gantry-compose, as a Python package
gantry-vsphere-ee-VERSION.tar.gz                    the build context of an execution environment with both
gantry-vsphere-VERSION.cdx.json                     the bill of materials, in CycloneDX
SHA256SUMS                                          the checksums of these files

python -m tools.release [DIRECTORY]
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from compose.build import build as build_compose
from devkit.console import ROOT, VENV, ToolError, main_guard, run, say, step
from guest.build.bootstrap import build as build_bootstrap
from tools import collection, runtime_package
from tools.archives import entries_below, write_tar_gz
from tools.components import components
from tools.sbom import write_sbom

_ENVIRONMENT = ROOT / "extensions" / "execution_environment" / "execution-environment.yml"


def build(folder: Path) -> None:
    """Build the release into an empty folder."""
    version = collection.version()
    with step("the bootstrap ISO"):
        bootstrap = build_bootstrap()
        parts = components(bootstrap)
    with step("gantry-compose"):
        compose = build_compose()
    with step("the collection"), tempfile.TemporaryDirectory(prefix="gantry-release-") as work:
        built = collection.build(Path(work))
        collection.check_contents(built)
        archive = Path(shutil.copy(built, folder))
    with step("the runtime package"):
        wheel = runtime_package.build(folder, bootstrap, compose, parts)
    with step("the execution environment's build context"):
        _build_context(folder / f"gantry-vsphere-ee-{version}.tar.gz", archive, wheel)
    with step("the bill of materials"):
        write_sbom(folder / f"gantry-vsphere-{version}.cdx.json", archive, wheel, bootstrap, compose, parts)
    names = sorted(path.name for path in folder.iterdir())
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def _build_context(path: Path, archive: Path, wheel: Path) -> None:
    """Write the build context that ansible-builder makes of the execution environment's definition."""
    definition = _ENVIRONMENT.read_text()
    for file in (archive, wheel):
        if file.name not in definition:
            raise ToolError(f"{_ENVIRONMENT.relative_to(ROOT)} does not name {file.name}. Set its version there.")
    with tempfile.TemporaryDirectory(prefix="gantry-ee-") as temporary:
        work = Path(temporary)
        for file in (_ENVIRONMENT, archive, wheel):
            shutil.copy(file, work)
        options = ["--context", str(work / "context"), "--output-filename", "Containerfile", "-v", "1"]
        run([VENV / "bin" / "ansible-builder", "create", *options], cwd=work)
        write_tar_gz(path, entries_below(work / "context", path.name.removesuffix(".tar.gz")))


def _warn_of_changes() -> None:
    command = ["git", "status", "--porcelain"]
    if subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout:
        say("-- the work tree differs from HEAD: this is not a release of a commit")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Build a release.")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "dist", help="is replaced (%(default)s)")
    target: Path = parser.parse_args().directory
    _warn_of_changes()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".release-") as work:
        folder = Path(work, "dist")
        folder.mkdir()
        build(folder)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    say((target / "SHA256SUMS").read_text() + str(target))


if __name__ == "__main__":
    main_guard(main)

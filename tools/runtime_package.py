# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the package gantry-vsphere-runtime: a wheel with the bootstrap ISO, gantry-compose and their licenses.

python -m tools.runtime_package [DIRECTORY]        builds it into the directory (dist)
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomllib

from compose.build import build as build_compose
from devkit.console import ROOT, ToolError, main_guard, run, say
from guest.build.bootstrap import Build
from guest.build.bootstrap import build as build_bootstrap
from tools import collection, environment
from tools.components import Component, components

SOURCE = ROOT / "runtime"
_PACKAGE = Path("src", "gantry_vsphere_runtime")


def build(folder: Path, bootstrap: Build, compose: Path, parts: Sequence[Component]) -> Path:
    """Build the wheel into a folder. It is reproducible."""
    check_version()
    with tempfile.TemporaryDirectory(prefix="gantry-runtime-") as temporary:
        stage = Path(temporary)
        shutil.copytree(SOURCE, stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
        shutil.copy(SOURCE / "pyproject.toml", stage)
        _add_iso(stage / _PACKAGE / "files", bootstrap)
        _add_program(stage / _PACKAGE / "files", compose)
        _add_licenses(stage / "licenses", parts)
        variables = {**os.environ, "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
        # Not into the folder itself: uv also writes a .gitignore.
        built = stage / "dist"
        run([environment.uv(), "build", "-q", "--wheel", "--out-dir", built, stage], env=variables)
        (wheel,) = built.glob("gantry_vsphere_runtime-*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, folder))


def stage_compose(folder: Path) -> Path:
    """Write the package without its bootstrap ISO below a folder; return the directory to import it from."""
    files = folder / "site" / _PACKAGE.name / "files"
    files.mkdir(parents=True)
    shutil.copyfile(SOURCE / _PACKAGE / "__init__.py", files.parent / "__init__.py")
    program = build_compose()
    (files / program.name).symlink_to(program)
    return files.parent.parent


def project() -> dict[str, Any]:
    """Return the metadata of the package."""
    found: dict[str, Any] = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    return found


def check_version() -> None:
    """Raise ToolError unless the package has the version of the collection."""
    own = project()["version"]
    if own != collection.version():
        raise ToolError(
            f"runtime/pyproject.toml has version {own}, and galaxy.yml has {collection.version()}. Set both to the "
            "version of the release."
        )


def _add_iso(folder: Path, bootstrap: Build) -> None:
    folder.mkdir()
    shutil.copyfile(bootstrap.iso, folder / bootstrap.iso.name)
    facts = {
        "file": bootstrap.iso.name,
        "version": bootstrap.version,
        "sha256": bootstrap.manifest["sha256"]["iso"],
        "bytes": bootstrap.manifest["bytes"]["iso"],
        "kernel_version": bootstrap.manifest["kernel_version"],
    }
    (folder / "bootstrap.json").write_text(json.dumps(facts, indent=2) + "\n")


def _add_program(folder: Path, compose: Path) -> None:
    path = folder / compose.name
    shutil.copyfile(compose, path)
    path.chmod(0o755)


def _add_licenses(folder: Path, parts: Sequence[Component]) -> None:
    folder.mkdir()
    shutil.copyfile(ROOT / "LICENSE", folder / "GPL-3")
    shutil.copyfile("/usr/share/common-licenses/GPL-2", folder / "GPL-2")
    rows = ["| component | version | license | source |", "| --- | --- | --- | --- |"]
    rows += [f"| {part.name} | {part.version} | {part.license} | `{part.source}` |" for part in parts]
    template = (SOURCE / "SOURCES.md").read_text()
    (folder / "SOURCES.md").write_text(template.replace("@COMPONENTS@", "\n".join(rows)))
    for part in parts:
        for name, text in part.texts.items():
            path = folder / part.name / name
            if path.exists() and path.read_bytes() != text:
                # Two programs have the module in different versions.
                path = path.with_name(f"{name}-{part.version}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.runtime_package", description="Build the runtime package.")
    parser.add_argument("directory", nargs="?", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    bootstrap = build_bootstrap()
    say(str(build(arguments.directory, bootstrap, build_compose(), components(bootstrap))))


if __name__ == "__main__":
    main_guard(main)

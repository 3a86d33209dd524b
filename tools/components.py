# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List what the runtime package contains: packages of Debian and Go modules, with versions, licenses and sources."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import tomllib

from compose.build import NAME as COMPOSE
from compose.build import SOURCE as COMPOSE_SOURCE
from devkit.console import ROOT, ToolError
from guest.build import golang, kernel
from guest.build.bootstrap import DEFAULT_CACHE, Build
from guest.build.lock import Package, this_distribution
from guest.build.run import run

INIT = "gantry-init"
_LICENSES = ROOT / "runtime" / "components.toml"
_BOOT_LOADERS = ("grub-efi-amd64-bin", "isolinux", "syslinux-common")
_LICENSE_FILE = re.compile(r"(?:LICEN[CS]E|COPYING|NOTICE)(?:[.-].*)?", re.IGNORECASE)
_SOURCE = re.compile(r"(?P<name>\S+)(?: \((?P<version>\S+)\))?")


@dataclass(frozen=True)
class Component:
    """One part of the ISO or of a program beside it."""

    kind: str
    """deb or golang, as in package URLs."""
    name: str
    version: str
    license: str
    source: str
    """What the source code is called, or how it is downloaded."""
    texts: Mapping[str, bytes]
    """The files with the license or the copyright, by name."""
    programs: tuple[str, ...] = ()
    """The programs that a Go module is linked into."""


@cache
def _known_licenses() -> dict[str, dict[str, str]]:
    return tomllib.loads(_LICENSES.read_text())


def components(bootstrap: Build) -> list[Component]:
    """Return all parts; raise ToolError if the ISO cannot be built again, or a license is not known."""
    _check_kernel(bootstrap)
    return [*(_kernel(package) for package in kernel.pinned_packages()), *_boot_loaders(), *_go_modules()]


def _check_kernel(bootstrap: Build) -> None:
    built = [(package["name"], package["version"]) for package in bootstrap.manifest["kernel_packages"]]
    pinned = [(package.name, package.version) for package in kernel.pinned_packages()]
    if built != pinned:
        raise ToolError(
            f"The bootstrap ISO has the kernel {built}, and guest/build/kernel.lock pins {pinned} for "
            f"{this_distribution().key}. Run python -m guest.build --update-lock, test, and commit the lock first."
        )


def _boot_loaders() -> list[Component]:
    found = []
    for name in _BOOT_LOADERS:
        shown = _lines(["dpkg-query", "-W", "-f", "${Version}\\n${source:Package}\\n${source:Version}\\n", name])
        version, source, source_version = shown
        path = Path("/usr/share/doc", name, "copyright")
        if not path.exists():
            raise ToolError(f"{path} is missing, which a release contains. Install {name} with its documentation.")
        texts = {"copyright": path.read_bytes()}
        command = f"apt-get source {source}={source_version}"
        found.append(Component("deb", name, version, _license("debian", name), command, texts))
    return found


def _kernel(package: Package) -> Component:
    (archive,) = kernel.fetch((package,), DEFAULT_CACHE / "packages")
    (field,) = _lines(["dpkg-deb", "-f", str(archive), "Source"])
    match = _SOURCE.fullmatch(field)
    if match is None:
        raise ToolError(f"{package.name} has the source {field!r}, which is not NAME (VERSION). Look at the package.")
    # The signed packages are made from the same source; their own has only the signatures.
    unsigned = "linux" if match["name"].startswith("linux-signed") else match["name"]
    command = f"apt-get source {unsigned}={package.version}"
    path = f"./usr/share/doc/{package.name}/copyright"
    content = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(archive)], capture_output=True, check=True).stdout
    text = subprocess.run(["tar", "-xO", path], input=content, capture_output=True, check=True).stdout
    name = _license("debian", package.name)
    return Component("deb", package.name, package.version, name, command, {"copyright": text})


def _go_modules() -> list[Component]:
    """Return the Go modules of all programs; one that several have in the same version is one part."""
    return _merged([*_go(INIT, golang.SOURCE, "./cmd/..."), *_go(COMPOSE, COMPOSE_SOURCE, ".")])


def _merged(parts: Iterable[Component]) -> list[Component]:
    found: dict[tuple[str, str], Component] = {}
    for part in parts:
        key = (part.name, part.version)
        programs = found[key].programs if key in found else ()
        found[key] = replace(part, programs=(*programs, *part.programs))
    return list(found.values())


def _go(program: str, source: Path, package: str) -> list[Component]:
    """Return the Go modules that are linked into a program."""
    template = "{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}"
    command = ["go", "list", "-mod=readonly", "-deps", "-f", template, package]
    lines = run(command, cwd=source, env=golang.environment()).splitlines()
    found = []
    for line in sorted(set(filter(None, lines))):
        path, version, folder = line.split("|")
        found.append(_go_component(path, version, Path(folder)))
    return [replace(part, programs=(program,)) for part in (*found, _standard_library(found))]


def _standard_library(modules: Sequence[Component]) -> Component:
    """Return Go's standard library, whose license is also that of the golang.org/x modules."""
    version = golang.go_version()
    texts = next(module.texts for module in modules if module.name.startswith("golang.org/x/"))
    source = f"the source release {version}"
    return Component("golang", "std", version.removeprefix("go"), _license("go", "std"), source, texts)


def _go_component(path: str, version: str, folder: Path) -> Component:
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and _LICENSE_FILE.fullmatch(file.name)]
    texts = {file.name: file.read_bytes() for file in files}
    if not texts:
        raise ToolError(f"The Go module {path} {version} has no license file. Do without it, or ask its author.")
    return Component("golang", path, version, _license("go", path), f"go mod download {path}@{version}", texts)


def _license(table: str, name: str) -> str:
    names = _known_licenses()[table]
    for known, license_name in names.items():
        if name == known or (known.endswith("-") and name.startswith(known)):
            return license_name
    raise ToolError(
        f"The runtime package contains {name}, whose license runtime/components.toml does not have. Add it."
    )


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compute the name of a build: a hash of everything that can change its output."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path

from guest.build.golang import SOURCE, go_version
from guest.build.iso import loader_files
from guest.build.lock import Package
from guest.build.run import run

# Programs whose output goes into the result, with the option that prints their version.
_PROGRAMS = {
    "grub-mkimage": "--version",
    "mke2fs": "-V",
    "mcopy": "--version",
    "mkfs.vfat": "--help",
    "mkfs.xfs": "-V",
    "xorriso": "--version",
    "zstd": "--version",
}
_SUFFIXES = {".go", ".py", ".mod", ".sum"}


def input_hash(packages: Iterable[Package], version: str) -> str:
    """Return the SHA-256 of the sources, the tools, the boot loaders and the kernel packages."""
    digest = hashlib.sha256()

    def add(what: str, content: bytes) -> None:
        digest.update(f"{what}\0{len(content)}\0".encode() + content)

    add("version", version.encode())
    add("go", go_version().encode())
    add("zlib", zlib.ZLIB_RUNTIME_VERSION.encode())
    for program, option in _PROGRAMS.items():
        add(program, _program_version(program, option))
    for path in source_files():
        add(path.relative_to(SOURCE).as_posix(), path.read_bytes())
    for path in loader_files():
        add(path.as_posix(), path.read_bytes())
    for package in packages:
        add(package.name, f"{package.version} {package.sha256}".encode())
    return digest.hexdigest()


def source_files() -> list[Path]:
    """Return the sources of the guest's programs and of the build, without tests."""
    found = [
        path
        for path in SOURCE.rglob("*")
        if path.suffix in _SUFFIXES and path.is_file() and not path.name.endswith("_test.go")
    ]
    return sorted(found)


def _program_version(program: str, option: str) -> bytes:
    # Some print it as an error, and some exit as after one.
    return run(["sh", "-c", f"{program} {option} 2>&1 | head -n 4"]).encode()

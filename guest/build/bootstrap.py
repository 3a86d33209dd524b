# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the bootstrap (kernel, initrd and ISO) or take it from the cache, where a hash of all inputs is its name."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guest.build import kernel as kernels
from guest.build.errors import BuildError
from guest.build.golang import build_init, build_tls
from guest.build.initrd import write_initrd
from guest.build.inputs import input_hash
from guest.build.iso import COMMAND_LINE, write_iso
from guest.build.lock import Distribution, Package, this_distribution
from guest.build.modules import built_in_modules, select_modules
from guest.build.templates import make_ext4, make_xfs

# The bootstrap's own version: raised when what it understands or does changes.
VERSION = "1.1.0"

DEFAULT_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "guest"
_MANIFEST = "manifest.json"
_FILES = {"iso": "gantry-bootstrap.iso", "kernel": "vmlinuz", "initrd": "initrd"}


@dataclass(frozen=True)
class Build:
    """A finished bootstrap."""

    iso: Path
    kernel: Path
    initrd: Path
    version: str
    manifest: dict[str, Any]


def build(cache_dir: Path = DEFAULT_CACHE, distribution: Distribution | None = None) -> Build:
    """Return the bootstrap of the current sources; build it if it is not in the cache.

    distribution: whose kernel it has; default: this machine's. The package sources of apt must be of the same.
    """
    distribution = distribution or this_distribution()
    cache_dir.mkdir(parents=True, exist_ok=True)
    with _locked(cache_dir):
        pinned = kernels.pinned_packages(distribution)
        if pinned:
            finished = _load(cache_dir / input_hash(pinned, VERSION))
            if finished is not None:
                return finished
        packages, archives = _kernel(distribution, pinned, cache_dir)
        directory = cache_dir / input_hash(packages, VERSION)
        finished = _load(directory)
        if finished is None:
            _build_into(directory, packages, archives)
            finished = _load(directory)
        if finished is None:
            raise BuildError(f"{directory} is not complete right after it was built; is the disk full?")
        return finished


def package_cache(cache_dir: Path = DEFAULT_CACHE) -> Path:
    """Return the directory with the kernel packages that were used."""
    return cache_dir / "packages"


def _kernel(
    distribution: Distribution, pinned: tuple[Package, ...], cache_dir: Path
) -> tuple[tuple[Package, ...], list[Path]]:
    """Return the pinned kernel or, with a warning, the newest one."""
    cache = package_cache(cache_dir)
    reason = BuildError("the lock has none for this distribution")
    if pinned:
        try:
            return pinned, kernels.fetch(pinned, cache)
        except BuildError as error:
            reason = error
    newest = kernels.newest_packages(distribution)
    if newest == pinned:
        raise reason
    kernels.warn_fallback(distribution, pinned, newest, reason)
    return newest, kernels.fetch(newest, cache)


def _build_into(directory: Path, packages: tuple[Package, ...], archives: list[Path]) -> None:
    """Build in a temporary directory and move it to its final place when everything is complete."""
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="building-") as temporary:
        work, output = Path(temporary) / "work", Path(temporary) / "output"
        work.mkdir()
        output.mkdir()
        kernel = kernels.unpack(archives, work / "kernel")
        shutil.copyfile(kernel.image, output / _FILES["kernel"])
        build_init(work / "init", VERSION)
        build_tls(work / "syslogtls")
        write_initrd(
            output / _FILES["initrd"],
            init=work / "init",
            tls=work / "syslogtls",
            modules=select_modules(kernel.modules),
            built_in=built_in_modules(kernel.modules),
            ext4=make_ext4(work),
            xfs=make_xfs(work),
            work=work,
        )
        write_iso(
            output / _FILES["iso"],
            kernel=output / _FILES["kernel"],
            initrd=output / _FILES["initrd"],
            version=VERSION,
            work=work,
        )
        manifest = _manifest(output, kernel.version, packages, directory.name)
        (output / _MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if directory.exists():
            # What _load did not accept.
            shutil.rmtree(directory)
        output.rename(directory)


def _manifest(output: Path, kernel_version: str, packages: tuple[Package, ...], inputs: str) -> dict[str, Any]:
    return {
        "version": VERSION,
        "inputs": inputs,
        "kernel_version": kernel_version,
        "kernel_packages": [{"name": package.name, "version": package.version} for package in packages],
        "command_line": COMMAND_LINE,
        **_FILES,
        "sha256": {what: _sha256(output / name) for what, name in _FILES.items()},
        "bytes": {what: (output / name).stat().st_size for what, name in _FILES.items()},
    }


def _load(directory: Path) -> Build | None:
    """Return a finished build, or None if there is none or its files do not match its manifest."""
    try:
        manifest = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    paths = {what: directory / name for what, name in _FILES.items()}
    for what, path in paths.items():
        if not path.exists() or path.stat().st_size != manifest["bytes"][what]:
            return None
    return Build(paths["iso"], paths["kernel"], paths["initrd"], manifest["version"], manifest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _locked(cache_dir: Path) -> Iterator[None]:
    """Allow one build at a time: a second one waits and then finds the first one's result."""
    with (cache_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

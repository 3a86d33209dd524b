# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get the distribution's kernel: the pinned packages, or the newest if those are no longer available."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from guest.build.errors import BuildError
from guest.build.lock import UPDATE_COMMAND, Distribution, Package, read_lock, this_distribution, write_lock
from guest.build.run import run

# The package that always depends on the newest kernel without drivers for real hardware.
_META_PACKAGES = {"debian": "linux-image-cloud-amd64", "ubuntu": "linux-image-virtual"}
# What belongs to a kernel: Ubuntu has the modules in a package of their own.
_KERNEL_PACKAGE = re.compile(r"linux-(image|modules)-\d")
_APT_CACHE = Path("/var/cache/apt/archives")


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel."""

    version: str
    image: Path
    modules: Path


def pinned_packages(distribution: Distribution | None = None) -> tuple[Package, ...]:
    """Return the locked packages for a distribution, by default this machine's; empty if there are none."""
    return read_lock().get((distribution or this_distribution()).key, ())


def newest_packages(distribution: Distribution | None = None) -> tuple[Package, ...]:
    """Return the packages of the newest kernel of the distribution, which apt must have package lists of."""
    distribution = distribution or this_distribution()
    meta = _META_PACKAGES.get(distribution.name)
    if meta is None:
        raise BuildError(
            f"the bootstrap's kernel comes from a package of {' or '.join(sorted(_META_PACKAGES))}; "
            f"this is {distribution.key}: build on one of those"
        )
    names = _kernel_dependencies(meta, distribution)
    images = [name for name in names if name.startswith("linux-image-")]
    if not images:
        raise BuildError(f"{meta} depends on no kernel package; are the package lists there? Try: apt-get update")
    names += [name for name in _kernel_dependencies(images[0], distribution) if name not in names]
    return tuple(_show(name) for name in names)


def update_lock() -> tuple[Package, ...]:
    """Pin the newest packages for this machine's distribution."""
    packages = newest_packages()
    write_lock({**read_lock(), this_distribution().key: packages})
    return packages


def fetch(packages: tuple[Package, ...], cache: Path) -> list[Path]:
    """Return the verified package files; download those that neither the cache nor apt has."""
    cache.mkdir(parents=True, exist_ok=True)
    return [_fetch(package, cache) for package in packages]


def all_cached(packages: tuple[Package, ...], cache: Path) -> bool:
    """Return whether fetch will find all packages in the cache."""
    return all(_kept(package, cache).exists() for package in packages)


def unpack(archives: list[Path], directory: Path) -> Kernel:
    """Unpack the files and find the kernel in them."""
    for archive in archives:
        run(["dpkg-deb", "-x", archive, directory])
    images = sorted((directory / "boot").glob("vmlinuz-*"))
    if len(images) != 1:
        raise BuildError(f"expected one kernel in {[path.name for path in archives]}, found {len(images)}")
    version = images[0].name.removeprefix("vmlinuz-")
    for modules in (directory / "lib/modules" / version, directory / "usr/lib/modules" / version):
        if modules.is_dir():
            return Kernel(version, images[0], modules)
    raise BuildError(f"the packages of kernel {version} hold no modules")


def warn_fallback(
    distribution: Distribution, pinned: tuple[Package, ...], newest: tuple[Package, ...], reason: BuildError
) -> None:
    """Warn that the build does not use the pinned kernel."""
    print(
        f"guest: the pinned kernel {_names(pinned)} is not available ({reason}). "
        f"Building with the newest, {_names(newest)}. "
        f"To pin that one, run on {distribution.key}: {UPDATE_COMMAND}",
        file=sys.stderr,
    )


def _names(packages: tuple[Package, ...]) -> str:
    return ", ".join(f"{package.name} {package.version}" for package in packages) or "(none for this distribution)"


def _kernel_dependencies(name: str, distribution: Distribution) -> list[str]:
    output = run(["apt-cache", "depends", "--important", name])
    found = re.findall(r"Depends: (\S+)", output)
    if not found and not output.strip():
        raise BuildError(f"apt on {distribution.key} does not know {name}; try: apt-get update")
    return [word for word in found if _KERNEL_PACKAGE.match(word)]


def _show(name: str) -> Package:
    # The newest version comes first.
    record = run(["apt-cache", "show", "--no-all-versions", name])
    fields = dict(re.findall(r"^(Version|SHA256): (\S+)$", record, flags=re.MULTILINE))
    if set(fields) != {"Version", "SHA256"}:
        raise BuildError(f"apt's record of {name} has no version or no SHA256")
    return Package(name, fields["Version"], fields["SHA256"])


def _fetch(package: Package, cache: Path) -> Path:
    kept = _kept(package, cache)
    if kept.exists() and _sha256(kept) == package.sha256:
        return kept
    with tempfile.TemporaryDirectory(dir=cache) as directory:
        archive = _from_apt_cache(package) or _download(package, Path(directory))
        found = _sha256(archive)
        if found != package.sha256:
            raise BuildError(
                f"{package.name} {package.version} was changed: it has SHA-256 {found}, "
                f"but {package.sha256} was expected"
            )
        partial = Path(directory) / "verified"
        shutil.copyfile(archive, partial)
        partial.rename(kept)
    return kept


def _kept(package: Package, cache: Path) -> Path:
    return cache / f"{package.sha256}.deb"


def _from_apt_cache(package: Package) -> Path | None:
    # The colon of an epoch is escaped in file names.
    version = package.version.replace(":", "%3a")
    for path in _APT_CACHE.glob(f"{package.name}_{version}_*.deb"):
        if _sha256(path) == package.sha256:
            return path
    return None


def _download(package: Package, directory: Path) -> Path:
    run(["apt-get", "download", f"{package.name}={package.version}"], cwd=directory)
    archives = list(directory.glob("*.deb"))
    if len(archives) != 1:
        raise BuildError(f"apt-get download {package.name}={package.version} left {len(archives)} files")
    return archives[0]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

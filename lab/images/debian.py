# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one Debian root with the packages of all images, as a tar archive in the cache, by mmdebstrap."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from lab.errors import LabError

SUITE = "bookworm"
PACKAGES = ("busybox-static", "nfs-ganesha-vfs", "nginx", "postgresql-15", "redis-server", "usr-is-merged")
# The same timestamp in every build, in the layers too.
EPOCH = 1735689600
_OPTIONS = (
    "--variant=essential",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    # PostgreSQL's compiler of queries, which is larger than all the rest. It is optional.
    "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/bitcode/*",
    "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/llvmjit*",
    "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*",
    "--dpkgopt=path-exclude=/usr/lib/*/libz3*",
)
# Paths that come from the build machine, or are of use to an init system or a package manager only.
_LEFT_OUT = (
    "dev",
    "etc/apt",
    "etc/hostname",
    "etc/resolv.conf",
    "proc",
    "sys",
    "var/cache",
    "var/lib/apt",
    "var/lib/postgresql",
    "var/lib/redis",
    "var/log/apt",
    "var/log/postgresql",
    "var/log/redis",
)
_MERGED = ("bin", "lib", "lib64", "sbin")


def key() -> str:
    """Return a digest that changes when the root would be different."""
    return hashlib.sha256(repr((SUITE, PACKAGES, _OPTIONS, EPOCH)).encode()).hexdigest()[:16]


def root_archive(cache_dir: Path) -> Path:
    """Return the archive of the whole root. It is made if the cache has none for these packages."""
    archive = cache_dir / f"debian-{key()}.tar"
    if archive.exists():
        return archive
    unfinished = archive.with_suffix(".new")
    command = [
        "mmdebstrap",
        "--quiet",
        "--format=tar",
        *_OPTIONS,
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(unfinished),
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
    try:
        result = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise LabError("mmdebstrap, which makes the lab's images, is not installed. Run: make setup.") from None
    if result.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise LabError(f"mmdebstrap failed to make the root of the lab's images:\n{result.stderr.strip()[-2000:]}")
    unfinished.replace(archive)
    return archive


class DebianRoot:
    """Read the entries of the root, and the package of each."""

    def __init__(self, archive: Path) -> None:
        self._tar = tarfile.TarFile(archive)
        self.entries: dict[str, tarfile.TarInfo] = {}
        for entry in self._tar.getmembers():
            path = _normal(entry.name)
            if path and not _is_left_out(path):
                self.entries[path] = entry
        self._owners = self._read_owners()

    def close(self) -> None:
        self._tar.close()

    def content(self, path: str) -> bytes:
        """Return the content of a regular file."""
        file = self._tar.extractfile(self.entries[path])
        if file is None:
            raise LabError(f"/{path} in the Debian root is not a regular file.")
        return file.read()

    def user(self, name: str) -> tuple[int, int]:
        """Return the numbers of a user and of the user's group."""
        users = (line.split(":") for line in self.content("etc/passwd").decode().splitlines())
        return next((int(fields[2]), int(fields[3])) for fields in users if fields[0] == name)

    def of(self, groups: Mapping[str, frozenset[str]], wanted: str) -> list[str]:
        """Return the paths of one group of packages. The group "" has the paths of no other group."""
        group_of = {package: name for name, packages in groups.items() for package in packages}
        return [path for path in self.entries if self._group(path, group_of) == wanted]

    def _group(self, path: str, group_of: Mapping[str, str]) -> str:
        """Return the group of a path. Files made during installation belong to the nearest directory of a package."""
        for place in (path, *map(str, PurePosixPath(path).parents)):
            packages = self._owners.get(place)
            if packages:
                found = {group_of.get(package, "") for package in packages}
                return found.pop() if len(found) == 1 else ""
        return ""

    def _read_owners(self) -> dict[str, set[str]]:
        owners: dict[str, set[str]] = {}
        for path in [path for path in self.entries if path.startswith("var/lib/dpkg/info/")]:
            # info/NAME.list and info/NAME:ARCH.list; the other files there also belong to their package.
            package = PurePosixPath(path).name.rsplit(".", 1)[0].split(":")[0]
            owners.setdefault(path, set()).add(package)
            if path.endswith(".list"):
                for line in self.content(path).decode().splitlines():
                    owners.setdefault(_normal(line), set()).add(package)
        return owners


def _normal(name: str) -> str:
    """Return the path without its leading slash, and below usr/ where /usr is merged."""
    path = name.removeprefix(".").strip("/")
    is_merged = any(path.startswith(f"{place}/") for place in _MERGED)
    return f"usr/{path}" if is_merged else path


def _is_left_out(path: str) -> bool:
    if path.startswith("etc/rc") and path[6:].partition("/")[0].endswith(".d"):
        return True
    # The empty mount points themselves stay.
    return any(path.startswith(f"{place}/") or (path == place and "/" in place) for place in _LEFT_OUT)

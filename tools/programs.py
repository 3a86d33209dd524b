# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that bindep.txt lists the package of each program and system file that the sources use, and no others.

A development machine has most of them anyway, and hides that nothing installs them. `make test-fresh` shows the same on
a bare system, in minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from devkit.console import ROOT, ToolError, say
from tools import called_programs
from tools.source_rules import tracked_files

# The profiles of bindep.txt that are installed where the sources of a folder run; "" is the one for users.
_PROFILES = {
    "plugins": frozenset(("",)),
    "guest": frozenset(("", "guest")),
    "compose": frozenset(("", "guest")),
    "lab": frozenset(("", "guest", "lab")),
}
# In the folders that only developers have.
_OTHERS = frozenset(("", "guest", "lab", "test"))
# The package of each program, and of each file outside of the repository by the beginning of its path.
_PACKAGES = {
    "/bin/busybox": "busybox-static",
    "/usr/lib/ISOLINUX/": "isolinux",
    # Where each boot loader has its license.
    "/usr/share/doc": "isolinux",
    "/usr/lib/grub/x86_64-efi": "grub-efi-amd64-bin",
    "/usr/lib/syslinux/": "syslinux-common",
    "/usr/share/OVMF/": "ovmf",
    "bats": "bats",
    "bridge": "iproute2",
    "dnsmasq": "dnsmasq-base",
    "dot": "graphviz",
    "docker-registry": "docker-registry",
    "dumpe2fs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "grub-mkimage": "grub-common",
    "igzip": "isal",
    "ip": "iproute2",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mkfs.xfs": "xfsprogs",
    "mmd": "mtools",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "qemu-img": "qemu-utils",
    "qemu-io": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "skopeo": "skopeo",
    "sqfs2tar": "squashfs-tools-ng",
    "tar2sqfs": "squashfs-tools-ng",
    "umoci": "umoci",
    "xfs_repair": "xfsprogs",
    "xorriso": "xorriso",
    "xz": "xz-utils",
    "zstd": "zstd",
}
# In every Debian (essential packages and apt), installed by what the README says, brought by the lock file (go), or
# asked for before it is used (sudo).
_EVERYWHERE = frozenset(
    "apt-cache apt-config apt-get bash chroot cp dpkg-deb dpkg-query echo env git go gzip setpriv sh sleep sudo tar "
    "unshare /usr/share/doc".split()
)
# What is needed although no call names it.
_UNNAMED = {
    "ca-certificates": "Go and skopeo verify servers with them",
    "debian-archive-keyring": "mmdebstrap verifies Debian's archive with it, also on Ubuntu",
    "jq": "tests of govc call it",
    "procps": "bats ends tests by pkill at their time limit",
    "squashfs-tools": "benchmarks/image_conversion.py has mksquashfs in a shell script",
    "uidmap": "mmdebstrap calls newuidmap and newgidmap where it is not root",
}
_BINDEP_LINE = re.compile(r"^([a-z0-9][a-z0-9.+-]*)\s+\[([^\]]*)\]", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """One place in the sources that needs a program or a file of the system."""

    folder: str
    place: str
    needs: str


def listed_packages(bindep: str) -> dict[str, frozenset[str]]:
    """Return Debian's packages of a bindep.txt with their profiles."""
    packages = {}
    for name, words in _BINDEP_LINE.findall(bindep):
        platforms = [word for word in words.split() if word.startswith("platform:")]
        if "platform:dpkg" in platforms:
            packages[name] = frozenset(set(words.split()) - set(platforms)) or frozenset(("",))
    return packages


def problems(uses: Iterable[Use], packages: dict[str, frozenset[str]]) -> Iterator[str]:
    """Yield each need that the packages do not meet, and each package that nothing needs."""
    needed = set(_UNNAMED)
    for use in uses:
        if use.needs in _EVERYWHERE:
            continue
        package = _package_of(use.needs)
        if package is None:
            yield f"{use.place}: {use.needs} is of no package that tools/programs.py knows; name its package there."
            continue
        needed.add(package)
        allowed = _PROFILES.get(use.folder, _OTHERS)
        if not packages.get(package, frozenset()) & allowed:
            profiles = " or ".join(sorted(name or "no profile" for name in allowed))
            yield f"{use.place}: {use.needs} is of {package}, which bindep.txt does not list with {profiles}."
    for name in sorted(set(packages) - needed):
        yield f"bindep.txt: nothing uses {name}; remove it, or say in tools/programs.py what it is for."


def _package_of(needs: str) -> str | None:
    if needs.startswith("/"):
        return next((package for prefix, package in _PACKAGES.items() if needs.startswith(prefix)), None)
    return _PACKAGES.get(needs)


def _uses(paths: Iterable[Path]) -> Iterator[Use]:
    go: dict[Path, dict[str, str]] = {}
    for path in paths:
        name = path.relative_to(ROOT)
        if path.suffix == ".go":
            go.setdefault(name.parent, {})[str(name)] = path.read_text()
        elif path.suffix == ".py":
            source = path.read_text()
            for line, needs in (*called_programs.of_python(source), *called_programs.files_of_python(source)):
                yield Use(name.parts[0], f"{name}:{line}", needs)
    for folder, package in go.items():
        for file, line, needs in called_programs.of_go(package):
            yield Use(folder.parts[0], f"{file}:{line}", needs)
        for file, source in package.items():
            for line, needs in called_programs.files_of_go(source):
                yield Use(folder.parts[0], f"{file}:{line}", needs)


def check() -> None:
    uses = list(_uses(tracked_files()))
    found = list(problems(uses, listed_packages((ROOT / "bindep.txt").read_text())))
    for problem in found:
        say(problem)
    if found:
        raise ToolError(f"bindep.txt and the programs that the sources use differ in {len(found)} places.")
    say(f"bindep.txt lists the packages of {len({use.needs for use in uses})} programs and files")

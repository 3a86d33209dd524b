# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the kernel modules of the bootstrap with their dependencies, and write the table that init loads them by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guest.build.errors import BuildError
from guest.build.modinfo import ModuleInfo, read_modinfo
from guest.build.run import run_bytes

# Drivers of both platforms. Init loads one when a device asks for it; squashfs and overlay when it mounts them.
WANTED = (
    # Disks.
    "vmw_pvscsi",
    "sd_mod",
    "virtio_blk",
    "virtio_scsi",
    # Network.
    "vmxnet3",
    "virtio_net",
    # Buses, the port to the host where there is no VMware backdoor, and the platform.
    "virtio_pci",
    "virtio_console",
    "vmw_balloon",
    "virtio_balloon",
    # The power button.
    "button",
    "evdev",
    # File systems.
    "squashfs",
    "overlay",
    # Redirected ports. Init removes them from memory if it does not load them (internal/redirect has the same list).
    "nf_tables",
    "nft_chain_nat",
    "nft_nat",
    "nft_fib_inet",
)

# Large ones, which init removes from memory if it does not load them, and their dependencies: file systems of volumes.
RARE = ("xfs", "nfsv4")

_SUFFIXES = {".ko": None, ".ko.zst": "zstd", ".ko.xz": "xz", ".ko.gz": "gzip"}
_SIGNATURE_MARK = b"~Module signature appended~\n"


@dataclass(frozen=True)
class Module:
    """One module, ready for the initial file system."""

    name: str
    info: ModuleInfo
    content: bytes
    rare: bool = False


def select_modules(modules_root: Path) -> list[Module]:
    """Return the wanted modules that are not built into the kernel, each after its dependencies."""
    files = _index(modules_root)
    builtin = _builtin(modules_root)
    chosen: dict[str, Module] = {}

    def add(name: str, needed_by: str, *, rare: bool) -> None:
        if name in chosen or name in builtin:
            return
        if name not in files:
            raise BuildError(f"the kernel has no module {name}, which {needed_by} needs (looked in {modules_root})")
        content = _read(files[name])
        info = read_modinfo(name, content)
        for dependency in info.depends:
            add(dependency, name, rare=rare)
        chosen[name] = Module(name, info, _without_signature(content), rare=rare)

    for rare, names in ((False, WANTED), (True, RARE)):
        for wanted in names:
            add(wanted, "the bootstrap", rare=rare)
    return list(chosen.values())


def built_in_modules(modules_root: Path) -> list[str]:
    """Return the wanted modules that the kernel contains. Which these are differs between distributions."""
    return sorted(_builtin(modules_root).intersection((*WANTED, *RARE)))


def table(modules: list[Module], built_in: list[str]) -> bytes:
    """Return the text that init reads: name, dependencies, aliases. Init may also ask for a module that is built in."""
    names = {module.name for module in modules}
    lines = []
    for module in modules:
        # Dependencies that are built in need no loading.
        depends = ",".join(name for name in module.info.depends if name in names) or "-"
        lines.append(" ".join([module.name, depends, *module.info.aliases]))
    lines += [f"{name} built-in" for name in built_in]
    return ("\n".join(lines) + "\n").encode()


def _index(modules_root: Path) -> dict[str, Path]:
    found = {}
    for path in sorted((modules_root / "kernel").rglob("*.ko*")):
        stem, dot, rest = path.name.partition(".")
        if dot + rest in _SUFFIXES:
            found[stem.replace("-", "_")] = path
    return found


def _builtin(modules_root: Path) -> set[str]:
    lines = (modules_root / "modules.builtin").read_text(encoding="utf-8").split()
    return {Path(line).name.removesuffix(".ko").replace("-", "_") for line in lines}


def _read(path: Path) -> bytes:
    decompressor = _SUFFIXES[path.name[path.name.index(".") :]]
    if decompressor is None:
        return path.read_bytes()
    return run_bytes([decompressor, "-dc", path])


def _without_signature(content: bytes) -> bytes:
    """Drop the appended signature: nothing verifies the initial file system that the module comes from, so it proves
    nothing, and checking it costs time in every boot."""
    if not content.endswith(_SIGNATURE_MARK):
        return content
    end = len(content) - len(_SIGNATURE_MARK)
    # struct module_signature: algorithm, hash, id_type, signer_len, key_id_len, 3 of padding, sig_len (big-endian).
    descriptor = content[end - 12 : end]
    signer, key, length = descriptor[3], descriptor[4], int.from_bytes(descriptor[8:12], "big")
    return content[: end - 12 - signer - key - length]

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the bootstrap ISO, booted by isolinux on BIOS and by GRUB on UEFI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from guest.build.errors import BuildError
from guest.build.run import EPOCH, run

# "console": the last one gets what init prints, and where there is no serial port the first one is the last.
# "quiet": printing costs more than most of what is printed. "panic=-1": a dead machine restarts at once, as a container
# whose host died would. "no_timer_check": without it a loaded hypervisor that emulates the processor makes the kernel
# give up. "cryptomgr.notests": the kernel's self-tests of its ciphers take a fifth of an emulated boot. "lsm": Ubuntu's
# default list and bpf, which the policy for mounts needs and which Debian's default list has.
COMMAND_LINE = (
    "console=tty0 console=ttyS0 quiet panic=-1 no_timer_check cryptomgr.notests "
    "lsm=landlock,lockdown,yama,integrity,apparmor,bpf"
)

VOLUME = "GANTRY"
# Where bootstrap_image reads the version. xorriso writes it in upper case; it is read in any.
APPLICATION = "GANTRY-BOOTSTRAP {version}"
_ISOLINUX = Path("/usr/lib/ISOLINUX/isolinux.bin")
_LDLINUX = Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
_GRUB = Path("/usr/lib/grub/x86_64-efi")
_GRUB_MODULES = ("iso9660", "search", "search_fs_file", "linux", "part_gpt", "part_msdos", "fat")

_ISOLINUX_CONFIG = """\
DEFAULT gantry
PROMPT 0
TIMEOUT 0
LABEL gantry
  KERNEL /boot/vmlinuz
  INITRD /boot/initrd
  APPEND {command_line}
"""

# Run as it is, without GRUB's shell.
_GRUB_CONFIG = """\
search --no-floppy --set=root --file /boot/vmlinuz
linux /boot/vmlinuz {command_line}
initrd /boot/initrd
boot
"""

# A FAT file system needs room for its own tables beside the loader.
_FAT_SLACK_KIB = 96
_FAT_STEP_KIB = 32


def loader_files() -> list[Path]:
    """Return the boot loaders' files that go into the ISO, which are inputs of the build."""
    files = [_ISOLINUX, _LDLINUX, _GRUB / "kernel.img", _GRUB / "moddep.lst"]
    files += [_GRUB / f"{name}.mod" for name in _GRUB_MODULES]
    for path in files:
        if not path.exists():
            raise BuildError(f"{path} is missing; bindep.txt lists what the build needs (profile guest)")
    return files


def write_iso(output: Path, *, kernel: Path, initrd: Path, version: str, work: Path) -> None:
    """Write the ISO; work is a directory for scratch files."""
    tree = work / "iso"
    for name in ("isolinux", "boot"):
        (tree / name).mkdir(parents=True)
    shutil.copyfile(kernel, tree / "boot/vmlinuz")
    shutil.copyfile(initrd, tree / "boot/initrd")
    shutil.copyfile(_ISOLINUX, tree / "isolinux/isolinux.bin")
    shutil.copyfile(_LDLINUX, tree / "isolinux/ldlinux.c32")
    (tree / "isolinux/isolinux.cfg").write_text(_ISOLINUX_CONFIG.format(command_line=COMMAND_LINE), encoding="ascii")
    _write_efi_image(tree / "boot/efi.img", work)
    for path in [*tree.rglob("*"), tree]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (EPOCH, EPOCH))
    boot = ["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"]
    boot += ["-boot-load-size", "4", "-boot-info-table"]
    boot += ["-eltorito-alt-boot", "-e", "boot/efi.img", "-no-emul-boot"]
    names = ["-V", VOLUME, "-appid", APPLICATION.format(version=version)]
    run(["xorriso", "-as", "mkisofs", "-quiet", *names, "-uid", "0", "-gid", "0", "-o", output, *boot, tree])


def _write_efi_image(image: Path, work: Path) -> None:
    config = work / "grub.cfg"
    config.write_text(_GRUB_CONFIG.format(command_line=COMMAND_LINE), encoding="ascii")
    loader = work / "BOOTX64.EFI"
    run(
        [
            "grub-mkimage",
            "-O",
            "x86_64-efi",
            "-d",
            _GRUB,
            "-c",
            config,
            "-p",
            "/boot/grub",
            "-o",
            loader,
            *_GRUB_MODULES,
        ]
    )
    os.utime(loader, (EPOCH, EPOCH))
    kib = (loader.stat().st_size // 1024 + _FAT_SLACK_KIB) // _FAT_STEP_KIB * _FAT_STEP_KIB + _FAT_STEP_KIB
    run(["mkfs.vfat", "-C", "--invariant", "-n", "EFI", image, str(kib)])
    run(["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"])
    run(["mcopy", "-m", "-i", image, loader, "::/EFI/BOOT/BOOTX64.EFI"])

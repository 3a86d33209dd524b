# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the bootstrap has the required modules, each after its dependencies, and a table of their aliases."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from guest.build import modules
from guest.build.errors import BuildError
from guest.build.modinfo import read_modinfo

_SIGNATURE = b"PKCS#7" * 10


def make_module(*info: str, signed: bool = False) -> bytes:
    """Return an ELF file with a .modinfo section."""
    content = b"\0".join(item.encode() for item in info) + b"\0"
    names = b"\0.shstrtab\0.modinfo\0"
    content_at = 64
    names_at = content_at + len(content)
    table_at = names_at + len(names)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, table_at, 0, 64, 0, 0, 64, 3, 1)
    sections = bytes(64)
    sections += struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    sections += struct.pack("<IIQQQQIIQQ", 11, 1, 0, 0, content_at, len(content), 0, 0, 1, 0)
    elf = header + content + names + sections
    if signed:
        elf += _SIGNATURE + struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(_SIGNATURE)) + b"~Module signature appended~\n"
    return elf


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a kernel's module tree: some modules are files, some are built in."""
    monkeypatch.setattr(modules, "WANTED", ("vmw_pvscsi", "sd_mod", "overlay"))
    monkeypatch.setattr(modules, "RARE", ("xfs",))
    files = {
        "kernel/drivers/vmw_pvscsi.ko": make_module("alias=pci:v1*", "depends=scsi-mod", signed=True),
        "kernel/drivers/scsi_mod.ko": make_module("depends=scsi_common", "name=scsi_mod"),
        "kernel/drivers/scsi_common.ko": make_module("depends=", "name=scsi_common"),
        "kernel/drivers/sd_mod.ko": make_module("depends=scsi_mod,crc64", "alias=scsi:t-0x00*", "alias=block-8-*"),
        "kernel/fs/xfs.ko": make_module("depends=libcrc32c,scsi_common"),
        "kernel/lib/libcrc32c.ko": make_module("depends="),
        "kernel/drivers/other.ko": make_module("depends="),
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "modules.builtin").write_text("kernel/fs/overlay.ko\nkernel/lib/crc64.ko\n")
    return tmp_path


def test_dependencies_come_first_and_no_other_modules_are_included(kernel: Path) -> None:
    chosen = modules.select_modules(kernel)
    names = [module.name for module in chosen]
    assert names == ["scsi_common", "scsi_mod", "vmw_pvscsi", "sd_mod", "libcrc32c", "xfs"]
    # A dependency of others as well is always needed.
    assert [module.name for module in chosen if module.rare] == ["libcrc32c", "xfs"]


def test_table_has_the_format_that_init_reads(kernel: Path) -> None:
    table = modules.table(modules.select_modules(kernel), modules.built_in_modules(kernel)).decode()
    assert table == (
        "scsi_common -\nscsi_mod scsi_common\nvmw_pvscsi scsi_mod pci:v1*\nsd_mod scsi_mod scsi:t-0x00* block-8-*\n"
        "libcrc32c -\nxfs libcrc32c,scsi_common\noverlay built-in\n"
    )


def test_signatures_are_removed_and_nothing_else_changes(kernel: Path) -> None:
    chosen = {module.name: module for module in modules.select_modules(kernel)}
    assert chosen["vmw_pvscsi"].content == make_module("alias=pci:v1*", "depends=scsi-mod")
    assert chosen["scsi_mod"].content == (kernel / "kernel/drivers/scsi_mod.ko").read_bytes()


def test_missing_module_is_reported_with_the_module_that_needs_it(kernel: Path) -> None:
    (kernel / "kernel/drivers/scsi_common.ko").unlink()
    with pytest.raises(BuildError, match="no module scsi_common, which scsi_mod needs"):
        modules.select_modules(kernel)


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(60)])
def test_a_file_that_is_not_a_module_is_refused(content: bytes) -> None:
    with pytest.raises(BuildError, match="odd is not a 64-bit ELF file"):
        read_modinfo("odd", content)

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tiny container image as a disk: busybox, some users, a web page; and guest documents that run it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DIGEST = "sha256:" + "ab" * 32
DISK = hashlib.sha256(f"{DIGEST}\n1\n".encode()).hexdigest()
BUSYBOX = Path("/bin/busybox")
_APPLETS = """
sh cat echo sleep id httpd ls touch mkdir rm kill ps env hostname head stat true false sync grep mount wget tail mknod
"""
_FOOTER_BYTES = 4096
_MIB = 1 << 20

_PASSWD = """\
root:x:0:0:root:/root:/bin/sh
web:x:1000:1000:Web:/home/web:/bin/sh
"""
_GROUP = """\
root:x:0:
web:x:1000:
adm:x:4:web
logs:x:50:root,web
spare:x:77:
"""


def make_image(path: Path, *, bare: bool = False, programs: Iterable[Path] = ()) -> Path:
    """Write an image disk (section 4 of contracts.md) with the programs in /bin.

    A bare one lacks all mount points, as an image made from "scratch" does.
    """
    squashfs = path.with_suffix(".squashfs")
    subprocess.run(
        ["tar2sqfs", "-q", "-f", "-c", "zstd", "-X", "level=3", str(squashfs)], input=_tar(bare, programs), check=True
    )
    content = squashfs.read_bytes()
    squashfs.unlink()
    footer = {"disk": DISK, "digest": DIGEST, "squashfs_bytes": len(content), "converter": "1"}
    size = -(-(len(content) + _FOOTER_BYTES) // _MIB) * _MIB
    body = content.ljust(size - _FOOTER_BYTES, b"\0")
    path.write_bytes(body + (b"GANTRYIMG1\n" + json.dumps(footer).encode()).ljust(_FOOTER_BYTES, b"\0"))
    return path


def make_disk(path: Path, size: int = 256 * _MIB) -> Path:
    """Create a new, blank disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def make_spec(args: list[str], **changes: Any) -> dict[str, Any]:
    """Return a spec that runs the arguments; changes replace top-level fields, or fields of the process by name."""
    process = {"args": args, "env": [], "user": "", "groups": [], "cwd": "/", "capabilities": None}
    spec: dict[str, Any] = {
        "version": 1,
        "id": str(uuid.uuid4()),
        "name": "test",
        "image": {"digest": DIGEST, "disk": DISK},
        "process": process,
        "hostname": "test",
        "networks": [],
        "dns": {"servers": [], "search": [], "options": []},
        "hosts": {},
        "root": {"read_only": False, "scratch": None, "tmpfs_size": None},
        "tmpfs": [],
        "volumes": [],
        "shm_size": None,
        "stop": {"signal": "SIGTERM", "timeout": 10},
        "restart": {"policy": "no", "max_retries": 0},
        "healthcheck": None,
        "log": {"max_bytes": 1 << 20},
    }
    for name, value in changes.items():
        if name in process:
            process[name] = value
        else:
            assert name in spec, name
            spec[name] = value
    return spec


STATIC_NETWORK = {"mac": None, "dhcp": False, "address": "10.0.2.15/24", "gateway": "10.0.2.2"}
DHCP_NETWORK = {"mac": None, "dhcp": True}
ON_DISK = {"read_only": False, "scratch": {"unit": 1}, "tmpfs_size": None}
READ_ONLY = {"read_only": True, "scratch": None, "tmpfs_size": None}


def _tar(bare: bool, programs: Iterable[Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        names = ["bin"] if bare else ["bin", "dev", "etc", "home", "home/web", "proc", "root", "sys", "tmp", "www"]
        for name in names:
            owner = 1000 if name == "home/web" else 0
            _add(archive, name, kind=tarfile.DIRTYPE, mode=0o1777 if name == "tmp" else 0o755, owner=owner)
        _add(archive, "bin/busybox", BUSYBOX.read_bytes(), mode=0o755)
        for program in programs:
            _add(archive, f"bin/{program.name}", program.read_bytes(), mode=0o755)
        for applet in _APPLETS.split():
            _add(archive, f"bin/{applet}", kind=tarfile.SYMTYPE, link="busybox")
        if not bare:
            _add(archive, "etc/passwd", _PASSWD.encode())
            _add(archive, "etc/group", _GROUP.encode())
            _add(archive, "etc/resolv.conf", kind=tarfile.SYMTYPE, link="../run/nowhere/resolv.conf")
            _add(archive, "etc/not-a-program", b"just text\n")
            _add(archive, "home/web/.profile", b"of the image\n", mode=0o640, owner=1000)
            _add(archive, "www/index.html", b"hello from the image\n")
            _add(archive, "www/from-image", b"original\n")
    return buffer.getvalue()


def _add(
    archive: tarfile.TarFile,
    name: str,
    content: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o644,
    link: str = "",
    owner: int = 0,
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, link, len(content)
    entry.uid = entry.gid = owner
    archive.addfile(entry, io.BytesIO(content))

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test volumes in booted guests: the first use, and the next container with another VM."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import READ_ONLY, make_disk, make_spec

MIB = 1 << 20
# Where Debian hides the tools from users.
_PATH = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
# Larger than the templates of the file systems, so that they grow.
SIZES = {"ext4": 96 * MIB, "xfs": 512 * MIB}


@pytest.fixture(params=SIZES)
def volume(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a new volume of the document, with each of the file systems."""
    return {
        "name": "data",
        "id": str(uuid.uuid4()),
        "unit": 2,
        "target": "/home/web",
        "read_only": False,
        "copy": True,
        "file_system": request.param,
    }


@pytest.fixture
def disk(tmp_path: Path, volume: dict[str, Any]) -> Path:
    return make_disk(tmp_path / "data.img", SIZES[volume["file_system"]])


def copied(volume: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the volume that still has its identity."""
    return {**volume, "id": str(uuid.uuid4()), "unit": 3, "target": "/copied", "origins": [volume["id"]]}


def copy_of(disk: Path) -> Path:
    """Return a copy of the file, which has holes."""
    path = disk.with_name("copied.img")
    subprocess.run(["cp", "--sparse=always", disk, path], check=True)
    return path


def test_a_volume_has_the_files_of_the_image_and_goes_to_the_next_container(
    boot: Boot, volume: dict[str, Any], disk: Path
) -> None:
    script = "cat .profile && ls -a && echo written > data && id -u && grep /home/web /proc/mounts"
    spec = make_spec(["sh", "-c", script], user="web", cwd="/home/web", volumes=[volume])
    first = boot(spec, volumes={2: disk})
    assert first.wait_off()["exit_code"] == 0, first.describe()
    *lines, mount = first.log().splitlines()
    assert lines == ["of the image", ".", "..", ".profile", "1000"]
    assert mount.split()[2] == volume["file_system"]
    assert _bytes(disk) == SIZES[volume["file_system"]]

    # The next container has another disk bus address, another target, and may only read. It also has a copy.
    other = {**volume, "unit": None, "target": "/new/data", "read_only": True}
    copy = copied(volume)
    copied_disk = copy_of(disk)
    script = (
        "cat /new/data/data /new/data/.profile; touch /new/data/x 2>/dev/null || echo read-only; "
        "cat /copied/data && echo changed > /copied/data"
    )
    disks = {3: copied_disk, 9: disk}
    second = boot(make_spec(["sh", "-c", script], root=READ_ONLY, volumes=[other, copy]), volumes=disks)
    assert second.wait_off()["exit_code"] == 0, second.describe()
    assert second.log().splitlines() == ["written", "of the image", "read-only", "written"]
    # Each file system has the identity of its disk now.
    assert [_identity(disk), _identity(copied_disk)] == [_expected(volume), _expected(copy)]
    for path in (disk, copied_disk):
        _check(path)


def test_a_copy_of_a_volume_that_was_in_use_gets_an_identity_of_its_own(
    boot: Boot, volume: dict[str, Any], disk: Path
) -> None:
    script = "echo written > /home/web/data && sync && printf 'in %s' use && sleep 1000"
    first = boot(make_spec(["sh", "-c", script], volumes=[volume]), volumes={2: disk})
    first.wait_log("in use")
    first.power_cut()
    copy, copied_disk = copied(volume), copy_of(disk)
    script = "cat /home/web/data /copied/data"
    second = boot(
        make_spec(["sh", "-c", script], root=READ_ONLY, volumes=[volume, copy]), volumes={2: disk, 3: copied_disk}
    )
    assert second.wait_off()["exit_code"] == 0, second.describe()
    assert second.log().splitlines() == ["written", "written"]
    assert [_identity(disk), _identity(copied_disk)] == [_expected(volume), _expected(copy)]
    for path in (disk, copied_disk):
        _check(path)


def _expected(volume: dict[str, Any]) -> str:
    if volume["file_system"] == "ext4":
        identity: str = volume["id"]
        return identity
    return base64.urlsafe_b64encode(hashlib.sha256(volume["id"].encode()).digest())[:12].decode()


def _is_xfs(disk: Path) -> bool:
    with disk.open("rb") as file:
        return file.read(4) == b"XFSB"


def _identity(disk: Path) -> str:
    """Return the label of an XFS file system, or the UUID of an ext4 file system."""
    with disk.open("rb") as file:
        if _is_xfs(disk):
            file.seek(108)
            return file.read(12).decode()
        file.seek(1024 + 0x68)
        return str(uuid.UUID(bytes=file.read(16)))


def _bytes(disk: Path) -> int:
    """Return the size of the file system."""
    with disk.open("rb") as file:
        if _is_xfs(disk):
            _magic, block, blocks = struct.unpack(">IIQ", file.read(16))
            return int(block * blocks)
        file.seek(1024)
        superblock = file.read(0x154)
    (blocks,), (exponent,) = struct.unpack_from("<I", superblock, 4), struct.unpack_from("<I", superblock, 0x18)
    return int(blocks) * (1024 << int(exponent))


def _check(disk: Path) -> None:
    """Let the tools of the file system find an error."""
    command = ["xfs_repair", "-n", "-f"] if _is_xfs(disk) else ["e2fsck", "-f", "-n"]
    checked = subprocess.run(
        [*command, disk], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=_PATH
    )
    assert checked.returncode == 0, checked.stdout

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test volumes in booted guests: the first use, and the next container with another VM."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import READ_ONLY, make_disk, make_spec


def test_a_volume_has_the_files_of_the_image_and_goes_to_the_next_container(boot: Boot, tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "data.img", 64 << 20)
    volume = {
        "name": "data",
        "id": str(uuid.uuid4()),
        "unit": 2,
        "target": "/home/web",
        "read_only": False,
        "copy": True,
    }
    script = "cat .profile && ls -a && echo written > data && id -u"
    spec = make_spec(["sh", "-c", script], user="web", cwd="/home/web", volumes=[volume])
    first = boot(spec, volumes={2: disk})
    assert first.wait_off()["exit_code"] == 0, first.describe()
    assert first.log().splitlines() == ["of the image", ".", "..", ".profile", "1000"]

    # The next container has another disk bus address, another target, and may only read. It also has a copy.
    other = {**volume, "unit": None, "target": "/new/data", "read_only": True}
    copied = {**volume, "id": str(uuid.uuid4()), "unit": 3, "target": "/copied", "origins": [volume["id"]]}
    copied_disk = Path(shutil.copy(disk, tmp_path / "copied.img"))
    script = (
        "cat /new/data/data /new/data/.profile; touch /new/data/x 2>/dev/null || echo read-only; "
        "cat /copied/data && echo changed > /copied/data"
    )
    disks = {3: copied_disk, 9: disk}
    second = boot(make_spec(["sh", "-c", script], root=READ_ONLY, volumes=[other, copied]), volumes=disks)
    assert second.wait_off()["exit_code"] == 0, second.describe()
    assert second.log().splitlines() == ["written", "of the image", "read-only", "written"]
    # Each file system has the identity of its disk now.
    assert [_uuid(disk), _uuid(copied_disk)] == [volume["id"], copied["id"]]


def _uuid(disk: Path) -> str:
    """Return the UUID of an ext4 file system."""
    with disk.open("rb") as file:
        file.seek(1024 + 0x68)
        return str(uuid.UUID(bytes=file.read(16)))

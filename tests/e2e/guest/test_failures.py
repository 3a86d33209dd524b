# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that each failure before the container runs has its own code, and that the machine powers itself off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import DHCP_NETWORK, DISK, ON_DISK, make_disk, make_spec
from tests.support.guests.machine import Machine


def _assert_error(machine: Machine, code: str, *words: str) -> dict[str, Any]:
    status = machine.wait_off()
    assert status["state"] == "error", machine.describe()
    assert status["error"]["code"] == code
    for word in words:
        assert word in status["error"]["message"]
    assert status["exit_code"] is None
    assert machine.log() == f"gantry: {code}: {status['error']['message']}\n"
    return status


def test_no_spec(boot: Boot) -> None:
    _assert_error(boot({}, spec_by="nothing"), "spec_missing", "guestinfo", "spec disk")


def test_spec_with_an_unknown_key(boot: Boot) -> None:
    spec = make_spec(["true"])
    spec["privileged"] = True
    _assert_error(boot(spec), "spec_invalid", "privileged")


def test_no_image_disk(boot: Boot) -> None:
    status = _assert_error(boot(make_spec(["true"]), disk=None), "image_disk_missing", "there are no disks")
    assert status["id"]


def test_another_images_disk(boot: Boot) -> None:
    spec = make_spec(["true"])
    spec["image"]["disk"] = "0" * 64
    _assert_error(boot(spec), "image_disk_mismatch", DISK)


def test_damaged_image(boot: Boot, image: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.img"
    damaged.write_bytes(b"\0" * 4096 + image.read_bytes()[4096:])
    _assert_error(boot(make_spec(["true"]), disk=damaged), "image_mount_failed", "squashfs")


def test_no_scratch_disk(boot: Boot) -> None:
    _assert_error(boot(make_spec(["true"], root=ON_DISK)), "scratch_missing", "unit 1", "sda")


def test_foreign_scratch_disk_is_left_alone(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img")
    with scratch.open("r+b") as file:
        # Neither at the beginning nor at the end: one of the samples in between.
        file.seek(scratch.stat().st_size // 16 * 5 + 100)
        file.write(b"somebody's data")
    before = scratch.read_bytes()
    _assert_error(boot(make_spec(["true"], root=ON_DISK), scratch=scratch), "scratch_foreign", "it was not changed")
    assert scratch.read_bytes() == before


def test_scratch_disk_too_small(boot: Boot, tmp_path: Path) -> None:
    scratch = make_disk(tmp_path / "scratch.img", 32 << 20)
    _assert_error(boot(make_spec(["true"], root=ON_DISK), scratch=scratch), "scratch_format_failed", "needs 67108864")


def test_network_that_is_not_there(boot: Boot) -> None:
    spec = make_spec(["true"], networks=[DHCP_NETWORK, DHCP_NETWORK])
    _assert_error(boot(spec), "network_missing", "networks[1]", "52:54:00:00:00:01")


def test_no_answer_to_dhcp(boot: Boot) -> None:
    machine = boot(make_spec(["true"], networks=[DHCP_NETWORK]), served=False)
    _assert_error(machine, "dhcp_failed", "eth0", "52:54:00:00:00:01", "30s")


def test_addresses_of_other_devices(boot: Boot) -> None:
    """QEMU's network has the addresses .2 and ::2, and would not be reachable if the container took them."""
    network = {
        "mac": None,
        "dhcp": False,
        "address": "10.0.2.2/24",
        "gateway": None,
        "ipv6": {"mode": "static", "address": "fec0::2/64", "gateway": None},
    }
    machine = boot(make_spec(["true"], networks=[network]))
    _assert_error(machine, "address_in_use", "eth0", "10.0.2.2", "fec0::2", "52:55:0a:00:02:02", "52:56:00:00:00:02")


def test_stop_while_the_machine_prepares_itself(boot: Boot) -> None:
    machine = boot(make_spec(["true"], networks=[DHCP_NETWORK]), served=False)
    machine.wait_status(lambda status: status["id"] != "", "booting with a spec")
    machine.request_shutdown()
    status = machine.wait_off(timeout=25)
    assert (status["state"], status["exit_code"], status["started_at"]) == ("exited", 143, None)


def test_unknown_user(boot: Boot) -> None:
    _assert_error(boot(make_spec(["true"], user="nobody-here")), "user_unknown", "nobody-here", "/etc/passwd")


def test_working_directory_that_is_a_file(boot: Boot) -> None:
    _assert_error(boot(make_spec(["true"], cwd="/etc/passwd")), "cwd_failed", "/etc/passwd")


def test_tmpfs_over_a_file(boot: Boot) -> None:
    spec = make_spec(["true"], tmpfs=[{"target": "/etc/passwd", "size": None, "mode": "1777"}])
    _assert_error(boot(spec), "mount_failed", "/etc/passwd")


@pytest.mark.parametrize(
    ("program", "code"),
    [("nowhere-to-be-found", 127), ("/etc/not-a-program", 126)],
    ids=["not-found", "not-executable"],
)
def test_program_that_cannot_run(boot: Boot, program: str, code: int) -> None:
    spec = make_spec([program], restart={"policy": "always", "max_retries": 0})
    machine = boot(spec)
    status = machine.wait_off()
    assert (status["state"], status["exit_code"]) == ("exited", code), json.dumps(status)
    assert status["error"]["code"] == "start_failed"
    assert program in status["error"]["message"]
    assert program in machine.log()

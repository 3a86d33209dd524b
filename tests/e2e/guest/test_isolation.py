# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what a container cannot access even as root: the VM's devices, and anything outside of its cgroup."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from guest.build.bootstrap import Build
from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import ON_DISK, make_disk, make_image, make_spec
from tests.support.guests.machine import Machine

# Creates a node for each device and opens it for reading and for writing, without changing it.
_TRY_DEVICES = """
try() {
  mknod /node $2 $3 $4 && echo "$1 made"
  if (: < /node) 2> /why; then echo "$1 read"; else grep -q 'Operation not permitted' /why && echo "$1 EPERM"; fi
  if (: >> /node) 2> /why; then echo "$1 written"; else grep -q 'Operation not permitted' /why && echo "$1 EPERM"; fi
  rm /node
}
for device in $DEVICES; do try $(IFS=:; echo $device); done
set -- $(grep virtio-portsdev /proc/devices)  # the port to the host
try port c $1 1
"""
# The image disk, the scratch disk, the console, memory, the kernel's log.
_DENIED = {
    "image": "b:8:0",
    "scratch": "b:8:16",
    "ttyS0": "c:4:64",
    "mem": "c:1:1",
    "kmsg": "c:1:11",
    "null-as-a-disk": "b:1:3",
}
_ALLOWED = {"null": "c:1:3", "zero": "c:1:5", "random": "c:1:8", "urandom": "c:1:9", "full": "c:1:7"}
_DEVICES = "DEVICES=" + " ".join(f"{name}:{numbers}" for name, numbers in {**_DENIED, **_ALLOWED}.items())
_EXPECTED = [line for name in _DENIED for line in (f"{name} made", f"{name} EPERM", f"{name} EPERM")]
_EXPECTED += [line for name in _ALLOWED for line in (f"{name} made", f"{name} read", f"{name} written")]
_EXPECTED += ["port made", "port EPERM", "port EPERM"]

_DOCKERS = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
).split()
_MORE = [*_DOCKERS, "SYS_ADMIN", "SYS_RESOURCE", "NET_ADMIN", "DAC_READ_SEARCH", "SYS_RAWIO", "BPF"]


@pytest.mark.parametrize("capabilities", [None, _MORE], ids=["default", "more"])
def test_only_dockers_devices_can_be_opened(boot: Boot, tmp_path: Path, capabilities: list[str] | None) -> None:
    spec = make_spec(["sh", "-c", _TRY_DEVICES], env=["PATH=/bin", _DEVICES], root=ON_DISK, capabilities=capabilities)
    machine = boot(spec, scratch=make_disk(tmp_path / "scratch.img"))
    assert machine.wait_off()["exit_code"] == 0
    assert machine.log().splitlines() == _EXPECTED


def test_disk_cannot_be_read_or_written_through_a_node(boot: Boot, tmp_path: Path) -> None:
    script = """
        mknod /disk b 8 16
        head -c 4096 /disk
        echo overwritten > /disk
        head -c 4 /dev/zero | busybox wc -c
        echo gone > /dev/null && test -c /dev/ptmx && : < /dev/ptmx && echo good
    """
    machine = boot(make_spec(["sh", "-c", script], root=ON_DISK), scratch=make_disk(tmp_path / "scratch.img"))
    assert machine.wait_off()["exit_code"] == 0
    denied = "Operation not permitted"
    assert machine.log().splitlines() == [
        f"head: /disk: {denied}",
        f"sh: can't create /disk: {denied}",
        "4",
        "good",
    ]


def test_health_check_is_bound_by_the_same_rules(boot: Boot) -> None:
    command = "cat /proc/self/cgroup; mknod /disk b 8 0; head -c 1 /disk; rm /disk; ulimit -u; ulimit -n"
    check = {"test": ["CMD-SHELL", command], "interval": 0.3, "timeout": 30, "retries": 1}
    spec = make_spec(["sleep", "1000"], healthcheck={**check, "start_period": 0, "start_interval": 0.3})
    spec["stop"]["timeout"] = 0
    spec["process"]["ulimits"] = {"nofile": {"soft": 100, "hard": 200}}
    machine = boot(spec)
    healthy = machine.wait_status(lambda status: status["health"] == "healthy", "healthy")
    assert healthy["health_output"].splitlines() == [
        "0::/",
        "head: /disk: Operation not permitted",
        "unlimited",
        "100",
    ]
    machine.request_shutdown()
    machine.wait_off()


def test_cgroup_is_shown_read_only(boot: Boot) -> None:
    script = "cat /proc/self/cgroup; mkdir /sys/fs/cgroup/new; echo max > /sys/fs/cgroup/memory.max"
    machine = boot(make_spec(["sh", "-c", script]))
    assert machine.wait_off()["exit_code"] == 1
    assert machine.log().splitlines() == [
        "0::/",
        "mkdir: can't create directory '/sys/fs/cgroup/new': Read-only file system",
        "sh: can't create /sys/fs/cgroup/memory.max: Read-only file system",
    ]


def test_container_that_can_mount_cannot_leave_its_limits(boot: Boot, tmp_path: Path) -> None:
    """Check that it can change its own cgroup, as in Docker, but not the limits and device policy of the parent."""
    script = """
        mkdir /cgroups
        mount -t cgroup2 none /cgroups || exit 1
        ls -d /cgroups/container
        cat /cgroups/cgroup.procs
        echo max > /cgroups/memory.max && cat /cgroups/memory.max
        mkdir /cgroups/below && echo 1 > /cgroups/below/cgroup.procs && cat /proc/self/cgroup
        mkdir /devices && mount -t devtmpfs none /devices && head -c 1 /devices/sda
        mount -t squashfs -o ro /devices/sda /devices
        exec tail /dev/zero
    """
    spec = make_spec(["sh", "-c", script], root=ON_DISK, capabilities=_MORE)
    spec["restart"] = {"policy": "on-failure", "max_retries": 1}
    machine = boot(spec, scratch=make_disk(tmp_path / "scratch.img"))
    status = machine.wait_off()
    assert (status["exit_code"], status["oom_killed"], status["restart_count"]) == (137, True, 1)
    lines = machine.log().splitlines()
    assert lines[0] == "ls: /cgroups/container: No such file or directory"
    # Itself and cat.
    assert lines[1] == "1"
    assert lines[3:5] == ["max", "0::/below"]
    assert lines[5] == "head: /devices/sda: Operation not permitted"
    assert lines[6] == "mount: permission denied (are you root?)"


# Tries to mount the disks by nodes of its own and of devtmpfs, and with other options; then what a container may mount.
_TRY_MOUNTS = """
    mkdir /devices /disk /memory /layers /bound /cgroups /proc2
    mount -t devtmpfs none /devices || exit 1
    mknod /image b 8 0 && mknod /scratch b 8 16
    for device in /image /devices/sda; do mount -t squashfs -o ro $device /disk; done
    for device in /scratch /devices/sdb; do
      mount -t ext4 $device /disk
      mount -t ext4 -o noatime,nodev $device /disk
    done
    ls /disk
    mount -t tmpfs none /memory && mkdir /memory/upper /memory/work || exit 2
    mount -t overlay -o lowerdir=/www,upperdir=/memory/upper,workdir=/memory/work none /layers && ls /layers
    mount -o bind /www /bound && ls /bound
    mount -t cgroup2 none /cgroups && head -c 1 /cgroups/cgroup.procs && echo
    mount -t proc none /proc2 && head -n 1 /proc2/self/status
    exec unroot
"""
# Where init has mounted something; the device node is in the initial file system.
_UNDER_ROOT = ["/image: ", "/scratch: ", "/scratch/gantry: ", "/proc: ", "/sys: ", "/dev: /dev/console", "/run: "]


@pytest.fixture(scope="module")
def unroot_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an image with a program that unmounts its root and lists what is in init's mounts."""
    directory = tmp_path_factory.mktemp("unroot")
    program = directory / "unroot"
    source = Path(__file__).with_name("unroot.go")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", "-o", str(program), str(source)], env=environment, check=True, capture_output=True)
    return make_image(directory / "unroot.img", programs=[program])


def test_disks_that_are_in_use_cannot_be_mounted(newer_bootstrap: Build, unroot_image: Path, tmp_path: Path) -> None:
    """Check it with a kernel that finds the mounted file system before it opens the device."""
    spec = make_spec(["sh", "-c", _TRY_MOUNTS], env=["PATH=/bin"], root=ON_DISK, capabilities=_MORE)
    with Machine(newer_bootstrap, tmp_path / "vm", spec, unroot_image, make_disk(tmp_path / "scratch.img")) as machine:
        assert machine.wait_off()["exit_code"] == 0
        refused = ["mount: permission denied (are you root?)"] * 6
        pages = ["from-image", "index.html"]
        assert machine.log().splitlines() == [*refused, *pages, *pages, "1", "Name:\thead", *_UNDER_ROOT]


def test_container_that_could_mount_disks_is_not_started(newer_bootstrap: Build, image: Path, tmp_path: Path) -> None:
    """Check it with a kernel whose BPF LSM is off, so that the policy is attached but never asked."""
    line = newer_bootstrap.manifest["command_line"]
    manifest = {**newer_bootstrap.manifest, "command_line": f"{line} lsm=landlock"}
    spec = make_spec(["true"], capabilities=["SYS_ADMIN"])
    with Machine(dataclasses.replace(newer_bootstrap, manifest=manifest), tmp_path / "vm", spec, image) as machine:
        status = machine.wait_off()
        assert (status["state"], status["error"]["code"]) == ("error", "start_failed")
        assert status["error"]["message"].startswith(
            "The container has the capability SYS_ADMIN, with which it could mount the VM's disk /dev/sda: "
            'the kernel does not refuse that (expected "operation not permitted", got "no error").'
        )

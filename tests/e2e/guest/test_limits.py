# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that a container's limits stop it, and that a VM with too little memory reports that or panics visibly."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.e2e.guest.conftest import Boot
from tests.support.guests.images import ON_DISK, READ_ONLY, STATIC_NETWORK, make_disk, make_image, make_spec
from tests.support.guests.machine import PATIENCE, SMALLEST_MIB, Machine

# What QEMU says when it fails instead of resetting the machine of a guest that panics.
QEMU_ABORTED = "assertion failed: (!qemu_mutex_iothread_locked())"
_MIB = 1 << 20
# Killed "within seconds", on an emulated processor. Seconds of CPU time, since other programs may need the processor.
_SOON = 60
# Without the kill it takes minutes of CPU time.
_LONG = 5 * PATIENCE


@pytest.fixture(scope="module")
def hungry_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an image with a program of some megabytes that allocates memory until it is killed."""
    directory = tmp_path_factory.mktemp("hungry")
    program = directory / "hungry"
    source = Path(__file__).with_name("hungry.go")
    subprocess.run(["go", "build", "-o", str(program), str(source)], check=True, capture_output=True)
    return make_image(directory / "hungry.img", programs=[program])


def _assert_killed_soon(machine: Machine) -> None:
    machine.wait_state("running")
    before = machine.cpu_seconds()
    machine.wait_status(lambda status: status["state"] == "exited", "exited", _LONG)
    assert machine.cpu_seconds() - before < _SOON
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["oom_killed"]) == ("exited", 137, True)


@pytest.mark.parametrize("memory", [SMALLEST_MIB, 128, 256])
def test_container_that_takes_all_memory_is_killed(boot: Boot, tmp_path: Path, memory: int) -> None:
    spec = make_spec(["tail", "/dev/zero"], root=ON_DISK, networks=[STATIC_NETWORK])
    machine = boot(spec, memory_mib=memory, scratch=make_disk(tmp_path / "scratch.img"))
    _assert_killed_soon(machine)


@pytest.mark.parametrize("memory", [SMALLEST_MIB, 128])
def test_container_that_only_rereads_its_program_is_killed(boot: Boot, hungry_image: Path, memory: int) -> None:
    """Check it with a workload in which the kernel alone would reclaim program text for minutes."""
    machine = boot(make_spec(["/bin/hungry"], root=READ_ONLY), memory_mib=memory, disk=hungry_image)
    _assert_killed_soon(machine)


def test_added_cpu_and_memory_are_the_containers(boot: Boot) -> None:
    fill = "dd if=/dev/zero of=/dev/shm/memory bs=1M count=300 2>/dev/null"
    # Newer kernels leave no room for further CPUs in a VM of QEMU without KVM ("Allowing 1 CPUs, 0 hotplug CPUs").
    cpus = "case $(uname -r) in 6.1.*) cpus=2;; *) cpus=1;; esac"
    memory = "$(awk '/MemTotal/ {print $2}' /proc/meminfo)"
    wait = f"until [ $(nproc) = $cpus ] && [ {memory} -gt 300000 ]; do sleep 0.2; done"
    # The limit follows the memory.
    script = f"{cpus}; {wait}; until {fill}; do sleep 0.2; done; echo filled"
    spec = make_spec(["sh", "-c", script], env=["PATH=/bin"], shm_size=1 << 30)
    machine = boot(spec, memory_mib=256, hot_add=True)
    machine.wait_state("running")
    machine.add_cpu()
    machine.add_memory(256)
    status = machine.wait_off()
    assert (status["state"], status["exit_code"], status["oom_killed"]) == ("exited", 0, False), machine.describe()
    assert machine.log().endswith("filled\n")


def test_container_is_restarted_after_it_ran_out_of_memory(boot: Boot) -> None:
    script = "if [ -e /second ]; then exit 0; fi; touch /second; exec tail /dev/zero"
    machine = boot(make_spec(["sh", "-c", script], restart={"policy": "on-failure", "max_retries": 0}))
    status = machine.wait_off()
    assert (status["exit_code"], status["restart_count"], status["oom_killed"]) == (0, 1, False)
    restarting = next(item for item in machine.statuses if item["state"] == "restarting")
    assert (restarting["exit_code"], restarting["oom_killed"]) == (137, True)


def test_health_check_counts_as_part_of_the_container(boot: Boot) -> None:
    check = {"test": ["CMD", "tail", "/dev/zero"], "interval": 0.3, "timeout": 60, "retries": 1}
    spec = make_spec(["sleep", "1000"], healthcheck={**check, "start_period": 0, "start_interval": 0.3})
    spec["stop"]["timeout"] = 0
    machine = boot(spec)
    machine.wait_status(lambda status: status["health"] == "unhealthy", "unhealthy")
    # The console is a serial line, which is slower than the status.
    machine.wait_log("out of memory")
    machine.request_shutdown()
    status = machine.wait_off()
    assert (status["exit_code"], status["oom_killed"]) == (137, True)


def test_container_sees_its_limit_and_gets_half_of_it_as_a_root_in_memory(boot: Boot) -> None:
    machine = boot(make_spec(["sh", "-c", "cat /sys/fs/cgroup/memory.max; busybox df -k / | tail -n 1"]))
    status = machine.wait_off()
    limit, filesystem = machine.log().splitlines()
    reserved = status["memory_available"] - int(limit)
    # Measured a moment apart.
    assert 8 * _MIB < reserved < 11 * _MIB
    assert int(filesystem.split()[1]) * 1024 == pytest.approx(int(limit) / 2, abs=8192)


def test_file_larger_than_memory_is_written_and_read(boot: Boot, tmp_path: Path) -> None:
    script = "head -c 209715200 /dev/zero > /large && sync && cat /large | busybox wc -c"
    scratch = make_disk(tmp_path / "scratch.img", 512 * _MIB)
    machine = boot(make_spec(["sh", "-c", script], root=ON_DISK), memory_mib=SMALLEST_MIB, scratch=scratch)
    # All that time the kernel reclaims, on an emulated processor.
    status = machine.wait_off(2 * PATIENCE)
    assert (status["exit_code"], status["oom_killed"]) == (0, False)
    assert machine.log() == "209715200\n"


def test_a_fork_bomb_leaves_init_able_to_stop(boot: Boot) -> None:
    script = "i=0; while :; do sleep 1000 & i=$((i+1)); if [ $i = 1000 ]; then echo many; fi; done"
    spec = make_spec(["sh", "-c", script], stop={"signal": "SIGTERM", "timeout": 0.5})
    machine = boot(spec, memory_mib=256)
    machine.wait_log("\nmany")
    machine.request_shutdown()
    assert machine.wait_off()["exit_code"] == 137


@pytest.mark.parametrize("boot_by", ["bios", "kernel"])
def test_smallest_vm_runs_a_container(boot: Boot, tmp_path: Path, boot_by: str) -> None:
    spec = make_spec(
        ["sh", "-c", "httpd -p 8080 -h /www && wget -q -O - http://127.0.0.1:8080/"],
        root=ON_DISK,
        networks=[STATIC_NETWORK],
    )
    # Less than what containers can have: how much the kernel needs while it unpacks init differs from boot to boot.
    machine = boot(spec, memory_mib=SMALLEST_MIB - 4, boot=boot_by, scratch=make_disk(tmp_path / "scratch.img"))
    assert machine.wait_off()["exit_code"] == 0
    assert machine.log() == "hello from the image\n"
    assert machine.shutdown_reason == "guest-shutdown"


def test_vm_without_memory_for_a_container_reports_it(boot: Boot) -> None:
    # Enough for the pinned kernel and init, but not for a container with a large log in memory.
    machine = boot(make_spec(["true"], log={"max_bytes": 64 * _MIB}), memory_mib=SMALLEST_MIB)
    status = machine.wait_off()
    assert (status["state"], status["error"]["code"]) == ("error", "start_failed")
    assert "Give the VM more memory." in status["error"]["message"]


def test_kernel_panic_ends_in_a_reset_without_a_final_status(boot: Boot) -> None:
    machine = boot(make_spec(["true"]), memory_mib=72)
    machine.process.wait(PATIENCE)
    if QEMU_ABORTED in machine.describe():
        pytest.skip("this QEMU (8.2 of Ubuntu 24.04) aborts by an assertion of its own when a guest resets itself")
    assert machine.wait_end() == "guest-reset", machine.describe()
    assert "Kernel panic" in machine.console()
    assert not machine.statuses

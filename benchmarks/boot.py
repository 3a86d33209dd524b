# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure a cold boot: QEMU's CPU seconds until a container answers HTTP, and the memory available when it starts.

It runs under emulation (TCG), with the bootstrap's kernel and a busybox web server. The scratch disk is formatted
during the boot.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import report
from guest.build.bootstrap import Build, build
from tests.e2e.guest.images import ON_DISK, STATIC_NETWORK, make_disk, make_image, make_spec
from tests.e2e.guest.machine import Hardware, Machine

RUNS = 5
MIB = 1 << 20
# Boot method and memory in MiB. With less than 256 MiB, GRUB cannot load the kernel under UEFI.
CASES = [("kernel", 128), ("kernel", 96), ("bios", 128), ("uefi", 256)]
TITLES = {"kernel": "direct boot", "bios": "ISO by BIOS", "uefi": "ISO by UEFI"}


def _boot(bootstrap: Build, folder: Path, image: Path, hardware: Hardware) -> tuple[float, float]:
    """Return the CPU seconds until the first page is served, and the MiB available when the container started."""
    folder.mkdir()
    scratch = make_disk(folder / "scratch.img")
    spec = make_spec(["httpd", "-f", "-p", "8080", "-h", "/www"], networks=[STATIC_NETWORK], root=ON_DISK)
    spec["process"]["env"] = ["PATH=/bin"]
    with Machine(bootstrap, folder, spec, image, scratch=scratch, hardware=hardware) as machine:
        machine.get()
        cpu = machine.cpu_seconds()
        status = machine.wait_state("running")
    return cpu, status["memory_available"] / MIB


def main() -> None:
    bootstrap = build()
    rows: list[tuple[str, Any]] = [("kernel", bootstrap.manifest["kernel_version"])]
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
        folder = Path(directory)
        image = make_image(folder / "busybox.img")
        for boot, memory in CASES:
            hardware = Hardware(memory_mib=memory, boot=boot, forward=8080)
            runs = [_boot(bootstrap, folder / f"{boot}-{memory}-{run}", image, hardware) for run in range(RUNS)]
            title = f"{TITLES[boot]}, {memory} MiB"
            rows.append((f"{title}: CPU seconds to HTTP 200", statistics.median(cpu for cpu, _memory in runs)))
            rows.append((f"{title}: MiB available to the container", statistics.median(free for _cpu, free in runs)))
    report("boot", rows)


if __name__ == "__main__":
    main()

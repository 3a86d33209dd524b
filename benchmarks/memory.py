# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure how much of a VM's memory is the container's, by the VM's size, with the kernels that can be built here.

These are this machine's own kernel and, if that is older than 6.6, the one of Debian 13. The VM boots by BIOS and has a
network and a scratch disk. Its guest document offers no guest operations, redirects no ports and sends no log.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import report
from guest.build.bootstrap import Build, build
from tests.support.guests.images import ON_DISK, STATIC_NETWORK, make_disk, make_image, make_spec
from tests.support.guests.kernels import build_with_newer_kernel
from tests.support.guests.machine import Hardware, Machine

SIZES = (96, 104, 112, 128, 256, 512)


def _container_memory(bootstrap: Build, folder: Path, image: Path, size: int) -> int | str:
    """Return the limit of the container's memory in MiB, or what the status says instead."""
    folder.mkdir()
    spec = make_spec(["cat", "/sys/fs/cgroup/memory.max"], networks=[STATIC_NETWORK], root=ON_DISK)
    scratch, hardware = make_disk(folder / "scratch.img"), Hardware(memory_mib=size, boot="bios")
    with Machine(bootstrap, folder, spec, image, scratch=scratch, hardware=hardware) as machine:
        machine.wait_end()
        if not machine.statuses:
            return "no status"
        if failure := machine.statuses[-1]["error"]:
            return str(failure["message"])
        return int(machine.log()) >> 20


def main() -> None:
    own = build()
    rows: list[tuple[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
        folder = Path(directory)
        image = make_image(folder / "busybox.img")
        kernels = {each.manifest["kernel_version"]: each for each in (own, build_with_newer_kernel(own, folder))}
        for version, bootstrap in kernels.items():
            for size in SIZES:
                memory = _container_memory(bootstrap, folder / f"{version}-{size}", image, size)
                rows.append((f"kernel {version}, VM of {size} MiB: MiB of the container", memory))
    report("memory", rows)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the guest's end-to-end tests: the bootstrap, image disks, and machines that boot them in QEMU alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guest.build.bootstrap import Build, build
from tests.support.guests.images import make_image
from tests.support.guests.kernels import build_with_newer_kernel
from tests.support.guests.machine import Hardware, Machine

Boot = Callable[..., Machine]


@pytest.fixture(scope="session")
def bootstrap() -> Build:
    return build()


@pytest.fixture(scope="session")
def newer_bootstrap(bootstrap: Build, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return a bootstrap with a kernel of 6.6 or later."""
    return build_with_newer_kernel(bootstrap, tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_image(tmp_path_factory.mktemp("images") / "busybox.img")


@pytest.fixture(scope="session")
def bare_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_image(tmp_path_factory.mktemp("images") / "bare.img", bare=True)


def booter(bootstrap: Build, directory: Path, image: Path) -> Iterator[Boot]:
    """Yield a function that starts machines, and kill those that still run."""
    machines: list[Machine] = []

    def boot(spec: dict[str, Any] | bytes, *, disk: Path | None = image, **settings: Any) -> Machine:
        names = {"scratch", "scratch_unit", "volumes"}
        others = {name: settings.pop(name) for name in names & settings.keys()}
        machine = Machine(
            bootstrap, directory / f"vm{len(machines)}", spec, disk, hardware=Hardware(**settings), **others
        )
        machines.append(machine)
        machine.start()
        return machine

    yield boot
    for machine in machines:
        machine.kill()
        # Shown with a test that fails. A status alone does not tell why.
        print(machine.describe())


@pytest.fixture
def boot(bootstrap: Build, image: Path, tmp_path: Path) -> Iterator[Boot]:
    """Yield a function that boots a machine with a guest document, with the image disk unless disk selects another."""
    yield from booter(bootstrap, tmp_path, image)


@pytest.fixture(scope="module")
def boot_for_module(bootstrap: Build, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    """Do the same as boot, for module fixtures whose machine several tests share."""
    yield from booter(bootstrap, tmp_path_factory.mktemp("shared"), image)

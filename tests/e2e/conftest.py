# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the end-to-end tests: a lab whose VMs boot, with the bootstrap ISO and images on its datastore."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.connection import connection_environment
from lab.held import running_lab
from tests.support.guests.containers import Containers
from tests.support.lab.direct import DirectRunner

IMAGES = ("tiny", "nginx", "redis")
# Those that only one file uses are imported there.
MORE_IMAGES = ("postgres", "postgres-next", "nfs")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test which VMs crashed, with the ends of their consoles: the modules cannot know."""
    report = yield
    if report.failed and "lab" in getattr(item, "funcargs", {}):
        log = Path(item.funcargs["lab"]["log"]).read_text(errors="replace")
        crashes = [line for line in log.splitlines() if "VM crashed" in line]
        report.sections.append(("VMs that crashed in this lab until now", "\n".join(crashes) or "none"))
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    shape = {
        "hypervisor": "qemu",
        "ports": "free",
        "publish": {},
        "images": [*IMAGES, *MORE_IMAGES],
        "inventory": {"shared_datastores": ["shared1"]},
        "second": {"enabled": True},
    }
    with running_lab(tmp_path_factory.mktemp("lab"), shape) as info:
        yield info


@pytest.fixture(scope="session")
def containers(lab: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Containers:
    """Run the modules against a vCenter with the bootstrap ISO and the images that containers need."""
    direct = DirectRunner(tmp_path_factory.mktemp("home"), connection_environment(lab))
    where = {"datastore": lab["datastore"]}
    tasks: list[dict[str, Any]] = [{"gantry.vsphere.bootstrap_image": {"src": lab["bootstrap_iso"], **where}}]
    tasks += [
        {"gantry.vsphere.container_image": {"name": lab["images"][name], "registry_tls_verify": False, **where}}
        for name in IMAGES
    ]
    direct(tasks).ok()
    return Containers(lab, direct)


@pytest.fixture
def name(request: pytest.FixtureRequest, containers: Containers) -> Iterator[str]:
    """Yield a container name for this test alone; remove the container at the end."""
    own = request.node.name.replace("test_", "").split("[")[0].replace("_", "-")[:50].strip("-")
    yield own
    containers.remove(own)


@pytest.fixture
def shell(containers: Containers, name: str) -> Callable[..., dict[str, Any]]:
    """Return a function that runs a shell script as a container and waits for its end."""

    def run(script: str, **options: Any) -> dict[str, Any]:
        containers.run(name, image="tiny", entrypoint=["/bin/sh", "-c"], command=[script], wait=False, **options)
        return containers.wait_until_over(name)

    return run

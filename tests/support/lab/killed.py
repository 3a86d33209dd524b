# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill runs of a playbook at random points, and assert that the next run converges and leaves no orphans."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.control import Control
from tests.support.lab.observer import datastore_files, vm_names
from tests.support.lab.playbook import PROGRAM, ansible_environment

_POINTS = 10
# The same in each run, so that a failure can be reproduced; the variable selects other points.
SEED = int(os.environ.get("GANTRY_TEST_SEED", "20260"))
# Each part of the points is a test of its own, which tools/distribution.py knows by its name, to run on another CPU.
PARTS = tuple(pytest.param(part, id=f"part{part}") for part in range(2))
_TIMEOUT_SECONDS = 240
_POLL_SECONDS = 0.05

# The names of all VMs, and the paths of all files on the datastore.
Held = tuple[list[str], list[str]]


@dataclass(frozen=True)
class KillablePlaybook:
    """A playbook of the collection against the lab, each run in a process group of its own."""

    home: Path
    connection: Mapping[str, str]
    variables: Mapping[str, Any]
    playbook: str  # the name of a file in playbooks/

    def start(self) -> subprocess.Popen[str]:
        given = {"ansible_python_interpreter": sys.executable, **self.variables}
        return subprocess.Popen(
            [str(PROGRAM), "-i", "localhost,", "-e", json.dumps(given), str(ROOT / "playbooks" / self.playbook)],
            env=ansible_environment(self.home, self.connection),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self) -> str:
        """Run the playbook; return its output."""
        process = self.start()
        output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
        assert process.returncode == 0, output
        return output

    def kill_after(self, requests: int, calls: Control) -> None:
        """Kill the playbook and all processes that it has started when vCenter has recorded this many requests."""
        kill_after(requests, calls, self.start)


def kill_after(requests: int, calls: Control, start: Callable[[], subprocess.Popen[str]]) -> int:
    """Start a process group, and kill it as a power failure would; return the exit code of its first process.

    It is killed as soon as vCenter has recorded this number of requests, because a time would depend on the load of the
    machine.
    """
    calls.forget()
    process = start()
    while len(calls.all()) < requests and process.poll() is None:
        time.sleep(_POLL_SECONDS)
    with suppress(ProcessLookupError):  # it may be done
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode


def held(lab: Mapping[str, Any]) -> Held:
    """Return what is in the vCenter. A template's folder has the name of its import, which differs each time."""
    files = datastore_files(lab["vcenter"], lab["datastore"])
    return vm_names(lab["vcenter"]), sorted(map(without_import_name, files))


def without_import_name(path: str) -> str:
    return re.sub(r"import-[0-9a-f]{8}", "import", path)


def random_points(part: int, parts: int = len(PARTS)) -> list[float]:
    """Return a part of the points in ascending order, each a share of the requests of a whole run."""
    randomly = random.Random(SEED)
    return sorted(randomly.uniform(0.2, 0.95) for _ in range(_POINTS))[part::parts]


def assert_converges(
    killable: KillablePlaybook,
    lab: Mapping[str, Any],
    remove: Callable[[], object],
    calls: Control,
    *,
    part: int,
    held: Callable[[Mapping[str, Any]], Held] = held,
) -> None:
    """Kill the playbook at some random points; the next run converges each time, and a last one changes nothing.

    ``remove`` takes away everything that the playbook has made; ``held`` returns what is compared.
    """
    calls.forget()
    killable.play()
    whole = len(calls.all())
    complete = held(lab)
    remove()
    before = held(lab)  # the empty folders of images and ISOs stay
    assert len(complete[0]) > len(before[0])
    points = random_points(part)
    for point in points:
        killable.kill_after(int(point * whole), calls)
        killable.play()
        assert held(lab) == complete, f"killed at {point:.2f} of {whole} requests, seed {SEED}"
        if point == points[-1]:
            assert "changed=0 " in killable.play()
        remove()
        assert held(lab) == before

# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test the demo's playbook killed at random points: the next run converges, and no orphans are left."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from tests.support.lab.fake_servers import answering
from tests.support.lab.iso import make_iso
from tests.support.lab.observer import datastore_files, vm_names
from tests.support.lab.playbook import PROGRAM, PlaybookRunner

POINTS = 10
# Fixed, so that a failure can be reproduced; another seed selects other points.
SEED = 20260
_PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\na page"


@dataclass(frozen=True)
class Demo:
    """playbooks/demo.yml against the lab, in a process group of its own."""

    home: Path
    environment: Mapping[str, str]
    variables: Mapping[str, Any]

    def start(self, playbook: str = "demo.yml") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(PROGRAM), "-i", "localhost,", "-e", json.dumps(self.variables), str(ROOT / "playbooks" / playbook)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, playbook: str = "demo.yml") -> str:
        process = self.start(playbook)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return output

    def kill_after(self, seconds: float) -> None:
        """Kill the playbook and all processes that it has started, as a power failure would."""
        process = self.start()
        time.sleep(seconds)
        with suppress(ProcessLookupError):  # it may be done
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)


@pytest.fixture
def demo(tmp_path: Path, lab: dict[str, Any], connection: dict[str, str]) -> Iterator[Demo]:
    iso = make_iso(tmp_path, "9.9.2")
    settings = tmp_path / "ansible.cfg"
    settings.touch()
    with answering(_PAGE) as port:
        yield Demo(
            tmp_path,
            {
                **connection,
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "ANSIBLE_HOME": str(tmp_path / "ansible"),
                "ANSIBLE_CONFIG": str(settings),
                "ANSIBLE_NOCOLOR": "1",
            },
            {
                "ansible_python_interpreter": sys.executable,
                "demo_name": "killed-web",
                "demo_image": lab["images"]["nginx"],
                "demo_registry_tls_verify": False,
                "demo_bootstrap_iso": str(iso),
                # Nothing boots in this lab, so the test serves the page.
                "demo_url": f"http://127.0.0.1:{port}/",
            },
        )


def _remove_everything(demo: Demo, play: PlaybookRunner, lab: Mapping[str, Any]) -> None:
    demo.play("demo_remove.yml")
    play(
        [
            {"gantry.vsphere.container_image": {"name": lab["images"]["nginx"], "state": "absent"}},
            {"gantry.vsphere.bootstrap_image": {"src": demo.variables["demo_bootstrap_iso"], "state": "absent"}},
        ]
    ).ok()


@pytest.mark.timeout(1800)
def test_killed_at_ten_points_the_next_run_converges(demo: Demo, play: PlaybookRunner, lab: dict[str, Any]) -> None:
    datastore = lab["datastore"]

    def held() -> tuple[list[str], list[str]]:
        # A template's folder keeps the name of its import, which differs each time.
        files = (re.sub(r"import-[0-9a-f]{8}", "import", path) for path in datastore_files(lab["vcenter"], datastore))
        return vm_names(lab["vcenter"]), sorted(files)

    demo.play()
    _remove_everything(demo, play, lab)
    before = held()  # the empty folders of images and ISOs stay
    begin = time.monotonic()
    demo.play()
    whole = time.monotonic() - begin
    complete = held()
    assert len(complete[0]) == len(before[0]) + 2, "one template and one container VM"
    randomly = random.Random(SEED)
    for point in sorted(randomly.uniform(0.2, 0.95) for _ in range(POINTS)):
        _remove_everything(demo, play, lab)
        assert held() == before
        demo.kill_after(point * whole)
        demo.play()
        assert held() == complete, f"killed at {point:.2f} of {whole:.1f} s"
        assert "changed=0 " in demo.play()
    _remove_everything(demo, play, lab)
    assert held() == before

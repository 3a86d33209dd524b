# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a lab that a root process holds for a process that is not root.

Without a hypervisor the lab needs no root, so a script that runs its arguments stands in for sudo. What runs with
`python -m tools.fresh --user` uses sudo itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devkit.console import ROOT
from lab.controller import Lab
from lab.errors import LabError
from lab.held import held_by_root, running_lab

SMALL: dict[str, Any] = {"hypervisor": "none", "ports": "free", "images": [], "publish": {}}
USER = 65534


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the stand-in for sudo; return the state directory of a lab."""
    sudo = tmp_path / "bin" / "sudo"
    sudo.parent.mkdir()
    # The first argument is --preserve-env; sudo tells its caller by these variables.
    sudo.write_text(f'#!/bin/sh\nshift\nSUDO_UID={USER} SUDO_GID={USER} exec "$@"\n')
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{sudo.parent}:{os.environ['PATH']}")
    return tmp_path / "state"


def _is_down(state: Path) -> bool:
    return Lab(state, SMALL).status().state == "down"


def test_a_held_lab_is_up_during_the_block_and_down_afterwards(state: Path) -> None:
    with held_by_root(state, SMALL):
        status = Lab(state, SMALL).status()
        assert status.state == "up"
        assert status.info is not None
        assert all(status.processes.values())
    assert _is_down(state)


def test_a_held_lab_is_stopped_when_the_block_fails(state: Path) -> None:
    with pytest.raises(RuntimeError, match="the demo failed"), held_by_root(state, SMALL):
        raise RuntimeError("the demo failed")
    assert _is_down(state)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root leaves files of root")
def test_what_a_held_lab_leaves_belongs_to_the_user(state: Path) -> None:
    with held_by_root(state, SMALL):
        pass
    left = [state, *state.rglob("*")]
    assert state / "logs" / "vcenter.log" in left
    assert {path.lstat().st_uid for path in left} == {USER}


def test_a_held_lab_ends_with_a_user_that_was_killed(state: Path) -> None:
    script = (
        "import json, os, pathlib, signal, sys; from lab.held import held_by_root\n"
        "with held_by_root(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(state), json.dumps(SMALL)]
    assert subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 60
    while not _is_down(state):
        assert time.monotonic() < deadline, Lab(state, SMALL).status()
        time.sleep(0.1)


def test_a_held_lab_that_does_not_start_is_an_error(state: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LabError, match="could not be started as root"), held_by_root(state, {"images": ["mysql"]}):
        pass
    assert "there is no recipe for mysql" in capfd.readouterr().err


def test_a_lab_that_needs_no_root_is_started_by_the_process_itself(state: Path) -> None:
    (state.parent / "bin" / "sudo").write_text("#!/bin/sh\nexit 1\n")
    with running_lab(state, SMALL) as info:
        assert info == Lab(state, SMALL).status().info
    assert _is_down(state)

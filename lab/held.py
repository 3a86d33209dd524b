# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a lab while a block of code runs: in this process, or held by a root process if the lab needs root.

Only the lab runs as root then. What uses it, and what is built for it, runs as the user and leaves no files of root.
The root process, `python -m lab hold`, stops the lab when its standard input ends, however the user's process ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devkit.console import ROOT, say
from lab import artifacts, sudo
from lab.controller import Lab
from lab.errors import LabError

# The line that says that the lab is up.
_UP = "The lab is up until standard input ends."


@contextmanager
def running_lab(state_dir: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Start a lab that ends with the block and with this process, and yield the content of its lab.json."""
    one = Lab(state_dir, overrides, bound=True)
    if one.needs_sudo():
        # Built by the user, so that the caches keep their owner.
        artifacts.build(one.config)
        with held_by_root(one.state.directory, overrides or {}):
            yield json.loads(one.state.lab_json.read_text())
        return
    try:
        yield one.up()
    finally:
        one.down()


@contextmanager
def held_by_root(directory: Path, overrides: Mapping[str, Any]) -> Iterator[None]:
    """Have a root process start the lab, and stop it at the end of the block."""
    command = sudo.lab_command("hold", json.dumps(overrides))
    environment = {**os.environ, "GANTRY_LAB_STATE": str(directory)}
    # Leaving this block closes the process's standard input and waits for its end.
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line.rstrip() == _UP:
                break
            say(line.rstrip())
        else:
            raise LabError(f"The lab could not be started as root: {' '.join(command)} failed. Its messages are above.")
        try:
            yield
        finally:
            process.stdin.close()
            for line in process.stdout:
                say(line.rstrip())


def hold(overrides: str) -> int:
    """Keep a lab up until standard input ends. The overrides of its configuration are JSON."""
    one = Lab(overrides=json.loads(overrides), bound=True)
    try:
        one.up()
        # Ctrl-C reaches all processes of the terminal. The one that uses the lab decides when it ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        say(_UP)
        sys.stdin.read()
    finally:
        one.down()
    return 0

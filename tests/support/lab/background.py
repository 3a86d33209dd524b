# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks in background processes (drive.py), which a test waits for together or kills at a chosen request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.lab.control import Control
from tests.support.lab.least import least_privileged_environment

ROOT = Path(__file__).resolve().parents[3]
_DEADLINE_SECONDS = 120.0
_POLL_SECONDS = 0.02


@contextmanager
def running(module: str, options: Mapping[str, Any], connection: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run the task in the background as the user of its module; kill it at the end if it is still running."""
    command = [sys.executable, "-m", "tests.support.lab.drive", module, json.dumps(options)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **least_privileged_environment(module, connection)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the task to end and return its result."""
    output, errors = process.communicate(timeout=_DEADLINE_SECONDS)
    if process.returncode != 0:
        raise AssertionError(f"the task ended with {process.returncode}:\n{errors}")
    result: dict[str, Any] = json.loads(output)
    return result


def kill_in(
    method: str, module: str, options: Mapping[str, Any], connection: Mapping[str, str], calls: Control
) -> None:
    """Kill the task while vCenter handles its first request of this method; vCenter still carries the request out."""
    calls.reset()
    calls.fault(method, delay_seconds=1.0)
    with running(module, options, connection) as process:
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while method not in calls.methods():
            if process.poll() is not None:
                raise AssertionError(f"the task ended without {method}:\n{process.communicate()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {method} within {_DEADLINE_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)
        process.kill()
        process.wait()
    # The request in flight is carried out although no client waits for it.
    time.sleep(1.5)
    calls.reset()

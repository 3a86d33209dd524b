# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure commands: seconds and memory of the whole process tree, as medians of several runs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from devkit.console import ROOT, say

RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and CPU, and the MiB of memory of the largest process, of a command and its children.

    0 MiB means not measured.
    """

    wall: float
    cpu: float
    memory: float = 0.0


def cost_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run the command once, which must succeed. The costs include all children that were waited for."""
    begin = time.monotonic()
    with subprocess.Popen(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{output[-4000:]}")
    return Cost(time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def medians(costs: Sequence[Cost]) -> Cost:
    values = ([getattr(cost, field.name) for cost in costs] for field in fields(Cost))
    return Cost(*(statistics.median(column) for column in values))


def report(name: str, rows: Sequence[tuple[str, Any]]) -> None:
    """Print the results and write them to benchmarks/results/<name>.json."""
    say(f"\n{name} ({platform.machine()}, {os.cpu_count()} CPUs)")
    for title, value in rows:
        say(f"   {title:<64} {value:.2f}" if isinstance(value, float) else f"   {title:<64} {value}")
    RESULTS.mkdir(exist_ok=True)
    Path(RESULTS / f"{name}.json").write_text(json.dumps(dict(rows), indent=2) + "\n")

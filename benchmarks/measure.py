# Copyright: (c) 2026, gantry.vsphere contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure commands: CPU and wall-clock seconds of the whole process tree, as medians of several runs."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.console import ROOT, say

RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


def cost_of(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run the command once, which must succeed. The CPU time includes all children that were waited for."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def medians(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def report(name: str, rows: Sequence[tuple[str, Any]]) -> None:
    """Print the results and write them to benchmarks/results/<name>.json."""
    say(f"\n{name} ({platform.machine()}, {os.cpu_count()} CPUs)")
    for title, value in rows:
        say(f"   {title:<64} {value:.2f}" if isinstance(value, float) else f"   {title:<64} {value}")
    RESULTS.mkdir(exist_ok=True)
    Path(RESULTS / f"{name}.json").write_text(json.dumps(dict(rows), indent=2) + "\n")
